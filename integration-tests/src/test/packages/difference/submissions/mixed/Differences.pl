# @EXPECTED_RESULTS@: correct
print abs($1 - $2), "\n" while <> =~ /(\d+) (\d+)/;
