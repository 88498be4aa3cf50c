while :; do
    printf '%01000d\n' 0
done
