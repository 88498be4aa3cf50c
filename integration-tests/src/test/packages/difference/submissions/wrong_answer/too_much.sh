while read -r a b; do
    echo $((a < b ? b - a : a - b))
done
echo done
