#!/usr/bin/env bash
# expect.sh FILE PROGRAM [ARGUMENT...]: fails unless the program succeeds and prints exactly the lines of FILE, which are extended
# regular expressions.
set -euo pipefail
file=$1
shift

status=0
output=$("$@") || status=$?
printf '%s\n' "$output"
if [ "$status" -ne 0 ]; then
  echo "expect.sh: exit status $status" >&2
  exit 1
fi

mapfile -t printed <<<"$output"
mapfile -t expected <"$file"
if [ ${#printed[@]} -ne ${#expected[@]} ]; then
  echo "expect.sh: ${#printed[@]} lines, not ${#expected[@]}" >&2
  exit 1
fi
for i in "${!expected[@]}"; do
  if ! [[ ${printed[i]} =~ ^(${expected[i]})$ ]]; then
    printf "expect.sh: line %d is not '%s'\n" $((i + 1)) "${expected[i]}" >&2
    exit 1
  fi
done
