use Socket qw(:all);
$| = 1;
$SIG{PIPE} = 'IGNORE';
if (!@ARGV) { print "minibot\n"; exit }
alarm $ARGV[2];
my ($err, @found) = getaddrinfo($ARGV[0], $ARGV[1], { socktype => SOCK_STREAM });
die(($err == EAI_AGAIN ? "EAI_AGAIN" : "ENOTFOUND") . " $err\n") if $err;
my ($socket, $connected);
for (@found) {
    socket($socket, $_->{family}, SOCK_STREAM, 0) and connect($socket, $_->{addr}) and $connected = 1 and last;
}
die "$!\n" if !$connected;
alarm 0;
syswrite STDOUT, "+";
my %to = (fileno(STDIN), $socket, fileno($socket), \*STDOUT);
my $watched = '';
vec($watched, $_, 1) = 1 for keys %to;
while (select(my $ready = $watched, undef, undef, 60)) {
    for my $from (\*STDIN, $socket) {
        next if !vec($ready, fileno($from), 1);
        sysread($from, my $data, 65536) or exit;
        while (length $data) { substr($data, 0, syswrite($to{fileno $from}, $data) || exit) = '' }
    }
}
