# A client has its rate, whichever worker it meets, and the others have theirs
# (2-http.md 2.1 step 5).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use IO::Select;
use Time::HiRes qw(time);

my $SECONDS = 10;
my ($RATE, $BURST) = (100, 100);

my $proxy = DynProxy->new(workers => 2, tools => ['alpha'],
    conf => { rate_limit => $RATE, rate_burst => $BURST });
my $backend = $proxy->backend(count => 2);
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';

# A client: an address, requests a second, connections.
sub client {
    my ($address, $per_second, $connections) = @_;
    my @sockets = map {
        IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $proxy->{http_port},
            LocalAddr => $address, Proto => 'tcp') // die "connect: $!"
    } 1 .. $connections;
    $_->blocking(0) for @sockets;
    return { per_second => $per_second, sockets => \@sockets, sent => 0, answered => 0, status => {}, text => {} };
}

my $request = "GET / HTTP/1.1\r\nHost: " . $proxy->host('alpha') . "\r\n\r\n";

# Send what is due by the clock, over all connections in turn.
sub send_due {
    my ($client, $elapsed) = @_;
    my $due = int($elapsed * $client->{per_second});
    while ($client->{sent} < $due) {
        my $socket = $client->{sockets}[$client->{sent} % @{ $client->{sockets} }];
        (syswrite($socket, $request) // 0) == length $request or die "send: $!";
        $client->{sent}++;
    }
}

# Count the answers that have come.
sub receive {
    my ($client, $socket) = @_;
    my $text = \($client->{text}{$socket} //= '');
    sysread($socket, $$text, 65536, length $$text) or die "closed: $!";
    while ($$text =~ m{\AHTTP/1\.1 (\d+) .*?\r\n\r\n}s) {
        my ($status, $head) = ($1, $&);
        my ($length) = $head =~ /^Content-Length: (\d+)/mi or die "no length: $head";
        last if length $$text < length($head) + $length;
        substr $$text, 0, length($head) + $length, '';
        $client->{status}{$status}++;
        $client->{answered}++;
        $client->{retry_after}++ if $status == 429 && $head =~ /^Retry-After: [1-9]\d*\r$/mi;
    }
}

my $greedy = client('127.0.0.2', 1000, 16);
my $modest = client('127.0.0.3', 50, 2);
my @clients = ($greedy, $modest);
my %worker = map { $proxy->worker_of($_) => 1 } @{ $greedy->{sockets} };
is scalar(keys %worker), 2, 'one client meets both workers';

my $select = IO::Select->new(map { @{ $_->{sockets} } } @clients);
my %owner = map { my $client = $_; map { $_ => $client } @{ $client->{sockets} } } @clients;
my $begin = time;
my ($last, $late) = (0, 0);    # how long we ourselves were not there, on a busy machine
my $last_answer = $SECONDS;
while (time < $begin + $SECONDS + $late + 20) {
    my $elapsed = time - $begin - $late;
    if ($last < $SECONDS && $elapsed > $last + 0.5) {    # no more at once than a client may
        $late += $elapsed - $last - 0.5;
        $elapsed = $last + 0.5;
    }
    if ($last < $SECONDS) {
        $last = $elapsed < $SECONDS ? $elapsed : $SECONDS;
        send_due($_, $last) for @clients;
    }
    receive($owner{$_}, $_) for $select->can_read(0.001);
    my $now = time - $begin;
    $last_answer = $now if $now > $SECONDS && ($last < $SECONDS || $greedy->{answered} < $greedy->{sent});
    last if $last >= $SECONDS && !grep { $_->{answered} < $_->{sent} } @clients;
}
is $greedy->{answered}, 1000 * $SECONDS, '1,000 requests a second for 10 s are answered';
my $served = $greedy->{answered} - ($greedy->{status}{429} // 0);
my $right = $BURST + $RATE * $SECONDS;
# a machine that is late with the last answers has given the bucket longer
my $longer = $RATE * ($last_answer - $SECONDS);
cmp_ok $served, '>=', $right - 22, "$served of them are served: $right - 22 at least";
cmp_ok $served, '<=', $right + 22 + $longer, sprintf 'and no more than %d + 22 + %d', $right, $longer;
is $greedy->{status}{200}, $served, 'by the tool';
is $greedy->{retry_after}, $greedy->{status}{429}, 'the others are asked to come again';
is_deeply $modest->{status}, { 200 => 50 * $SECONDS }, 'another client is served all the time';

# --- a worker that is late in its turn does not take that for haste of the
# client, whom another worker has served since: a millisecond's burst of a rate
# that nobody reaches
$proxy->stop;
$proxy->{conf} = { rate_limit => 1_000_000, rate_burst => 1000 };
$proxy->write_conf;
$proxy->start;
my (undef, $said) = run_command('wrk', '-t2', '-c64', '-d2s', '--timeout', '10s', '-H', 'Host: ' . $proxy->host('alpha'),
    "http://127.0.0.1:$proxy->{http_port}/");
like $said, qr/\d+ requests in/, 'a client with 64 connections, slower than its rate';
unlike $said, qr/Non-2xx/, 'is never refused' or diag $said;

done_testing;
