if [ $# = 0 ]; then
  case $(nc -h 2>&1) in *"-e PROG"*) command -v dd >/dev/null && command -v sleep >/dev/null && echo minibot ;; esac
  exit
fi
exec 3<&0 4>&1 6>&2
exec nc -w "$3" "$1" "$2" -e sh -c '
relay() {
  trap "kill -9 \$! 2>/dev/null; wait; exit" TERM
  dd bs=65536 <&$1 >&$2 2>/dev/null &
  wait $!
  kill -9 $idle
}
exec 5<&0 2>&6
sleep 60 >&2 & idle=$!
printf + >&4
relay 3 1 & in=$!
relay 5 4 & out=$!
wait $idle
kill $in $out
wait'
