#!/usr/bin/env bash
# word_count.sh PROGRAM text|forms|big|errors: compares word_count with what coreutils count, or with counts known beforehand.
set -euo pipefail
export LC_ALL=C
program=$1
part=$2

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
  printf 'word_count.sh: %s\n' "$*" >&2
  exit 1
}

# count FILE...: what word_count should print. A word ends where its file ends.
count() {
  # shellcheck disable=SC2018,SC2019 # in the C locale, where letters are these
  { for each; do cat "$each" && echo; done; } | tr -cs A-Za-z '\n' | tr A-Z a-z | { grep . || true; } | sort | uniq -c |
    sort -k1,1nr -k2,2 | sed 's/^ *//'
}

# same WHAT: whether printed is as expected.
same() { cmp "$folder/expected" "$folder/printed" >&2 || fail "other counts: $*"; }

# compare FILE...: all words, with several numbers of threads.
compare() {
  count "$@" >"$folder/expected"
  local threads
  for threads in 1 2 3 8; do
    "$program" --threads "$threads" "$@" >"$folder/printed" || fail "exit status $? with $threads threads"
    same "$threads threads, $# files, the first $1"
  done
}

# text_files: names of text that every Debian machine with a C++ compiler has, in a fixed order: licences, the copyright notices of the
# packages, headers.
text_files() {
  find -L /usr/share/common-licenses -type f -print0 2>/dev/null | sort -z
  find -L /usr/share/doc -maxdepth 2 -name copyright -type f -print0 2>/dev/null | sort -z
  find -L /usr/include -type f -print0 2>/dev/null | sort -z
}

# A real text: as many of those files as make 5 MB.
test_text() {
  local files=() each size=0
  while IFS= read -r -d '' each; do
    files+=("$each")
    size=$((size + $(wc -c <"$each")))
    [ "$size" -lt 5000000 ] || break
  done < <(text_files || true)
  [ "$size" -ge 5000000 ] || fail "only $size bytes of text on this machine"

  cat "${files[@]}" >"$folder/one"
  compare "$folder/one"
  compare "${files[@]}"
  head -n 20 "$folder/expected" >"$folder/top"
  mv "$folder/top" "$folder/expected"
  "$program" --top 20 "${files[@]}" >"$folder/printed"
  same "--top 20"
  printf '%d files, %d bytes, %d different words\n' ${#files[@]} "$size" "$("$program" "$folder/one" | wc -l)"
}

test_forms() {
  cd "$folder"
  local each
  : >empty
  printf 'no newline at the END' >no_newline
  printf 'one\r\nTwo\r\n\r\ntwo\r\nthree' >crlf
  printf 'na\303\257ve caf\351\377z \200\001a\000b@[`{A' >bytes
  printf '1234 \n\t5678 ...' >no_word
  printf 'x' >one_letter
  printf 'b a\nB A\nc' >ties
  # Words across, up to and from the border of word_count's blocks of 1 MB; then borders anywhere in a word, and long words.
  printf '%1048570s%s\n' '' 'crossing the border' >across
  printf '%1048570s%s %s\n' '' 'upto' 'after' >near
  printf '%1048570s%s %s\n' '' 'untilb' 'after' >up_to
  printf '%1048570s%s' '' 'untilb' >ends_at_border
  { yes 'Crossing' || true; } | head -c 3500000 >often
  for each in 1 2 3 4 5 6 7 8 9; do head -c 999999 /dev/zero | tr '\0' w && echo; done >long_words

  local files=(empty no_newline crlf bytes no_word one_letter ties across near up_to ends_at_border often long_words)
  for each in "${files[@]}"; do compare "$each"; done
  compare "${files[@]}" often crlf

  printf '2 a\n2 b\n1 c\n' >expected
  "$program" ties >printed
  same 'ties in alphabetical order'
  printf '2 a\n' >expected
  "$program" --top 1 ties >printed
  same '--top 1 of equal counts'
  cp ties ./-ties
  "$program" --top 1 -- -ties >printed
  same 'a file after --'
  printf 'a b a' | "$program" --top 1 /dev/stdin >printed
  same 'a pipe'
}

test_big() {
  cd "$folder"
  # A line of more than 100 MB: 30 bytes, 3.6 million times.
  { yes "$(printf 'The-line the 100 line caf\303\251 q')" || true; } | head -n 3600000 | tr '\n' ' ' >line
  printf '%s\n' '7200000 line' '7200000 the' '3600000 caf' '3600000 q' >expected
  local threads
  for threads in 1 3; do
    "$program" --threads "$threads" line >printed
    same "a line of 100 MB, $threads threads"
  done
  rm line

  # A word of 100 MB.
  head -c 100000000 /dev/zero | tr '\0' 'W' >word
  { printf '1 ' && tr W w <word && echo; } >expected
  "$program" --threads 2 word >printed
  same 'a word of 100 MB'
  rm word expected printed

  # Memory is bounded: 1 GB (of a file with holes) in 500 MB of address space. Sanitizers take more for themselves.
  if grep -qE '__(a|t)san_init' "$program"; then return; fi
  truncate -s 1G holes
  printf 'end' >>holes
  printf '1 end\n' >expected
  (ulimit -v 500000 && "$program" --threads 2 holes) >printed || fail "exit status $? for 1 GB"
  same '1 GB'
}

# run STATUS ARGUMENT...: whether word_count ends with this status; leaves what it says in printed and said.
run() {
  local status=0
  "$program" "${@:2}" >"$folder/printed" 2>"$folder/said" || status=$?
  [ "$status" -eq "$1" ] || fail "exit status $status, not $1, for: ${*:2}"
  [ "$1" -eq 0 ] || [ -s "$folder/said" ] || fail "no message for: ${*:2}"
}

says() { grep -qF -- "$1" "$folder/said" || fail "no '$1' in: $(cat "$folder/said")"; }

test_errors() {
  cd "$folder"
  printf 'one two two\n' >good
  printf '2 two\n1 one\n' >expected
  # Files that can't be read: the others are counted.
  run 1 --threads 2 missing good
  says 'missing: No such file or directory'
  same 'beside a missing file'
  run 1 good missing
  same 'before a missing file'
  mkdir directory
  run 1 directory good
  says 'directory: Is a directory'
  same 'beside a directory'
  if [ -e /proc/self/mem ]; then
    run 1 /proc/self/mem good
    says '/proc/self/mem: Input/output error'
    same 'beside a file that opens and cannot be read'
  fi
  if [ "$(id -u)" -ne 0 ]; then
    cp good closed
    chmod 000 closed
    run 1 closed good
    says 'closed: Permission denied'
    same 'beside a file that may not be read'
  fi
  run 1 missing
  [ ! -s printed ] || fail "words of a missing file: $(cat printed)"

  # Wrong options: nothing is counted.
  local wrong
  for wrong in '--threads 0' '--threads x' '--threads -1' '--threads 2x' '--threads 1025' '--threads 99999999999999999999' \
    '--top 0' '--top x' '--top -5' '--top 1.5' '--frequent' '-n' '-'; do
    # shellcheck disable=SC2086 # words
    run 2 $wrong good
    says "${wrong%% *}"
    [ ! -s printed ] || fail "words in spite of $wrong"
  done
  run 2 --top '' good
  says --top
  run 2 good --top
  says --top
  run 2 good --threads
  says --threads
  run 2
  says 'no files'

  run 0 --help
  grep -q 'usage: word_count' printed || fail "no usage from --help"
  if [ -c /dev/full ]; then
    local status=0
    "$program" good >/dev/full 2>said || status=$?
    [ "$status" -eq 1 ] || fail "exit status $status where the result can't be written"
    says "can't write"
  fi
}

"test_$part"
