# A client has so many connections and no more, over all workers; the others
# do not notice, and what a worker had that was killed is free again
# (7-security.md 7.5).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;

my $MAX = 8;
my $marked = free_port();
my $proxy = DynProxy->new(workers => 2, tools => ['alpha'], proxied => $marked, expect => qr/child-died .* signal=9/,
    conf => { client_connections_max => $MAX, keepalive_timeout => '1m', trusted_proxies => '{ "127.0.0.9/32" }' });
my $backend = $proxy->backend(text => 'hello');
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';

# A connection from that address; none if it was refused at once.
sub come {
    my ($address, $port) = @_;
    return IO::Socket::INET->new(LocalAddr => $address, PeerAddr => '127.0.0.1',
        PeerPort => $port // $proxy->{http_port}, Proto => 'tcp') // ($!{ECONNRESET} ? undef : die "connect: $!");
}

# Is it served?  It stays open; one that is refused is reset, one of a dead
# worker has ended.
sub is_served {
    my ($socket, $before) = @_;
    return 0 if !$socket;
    local $SIG{PIPE} = 'IGNORE';
    my $got = '';
    $socket->syswrite(($before // '') . "GET / HTTP/1.1\r\nHost: " . $proxy->host('alpha') . "\r\n\r\n") or return 0;
    while ($got !~ /hello\z/) {
        my $n = $socket->sysread($got, 4096, length $got);
        return 0 if !$n;
    }
    return 1;
}

# Comers of which those who are served stay.
sub crowd {
    my ($n, $address, @where) = @_;
    my $before = @where ? "PROXY TCP4 $where[0] 10.0.0.1 4711 80\r\n" : '';
    return grep { is_served($_, $before) } map { come($address, @where ? $marked : ()) } 1 .. $n;
}

my @first = crowd(3 * $MAX, '127.0.0.2');
is scalar(@first), $MAX, 'so many connections of one address';
is scalar(crowd($MAX, '127.0.0.3')), $MAX, 'another has its own';
is scalar(grep { is_served($_) } @first), $MAX, 'those that are there are served on';
is scalar(crowd(2 * $MAX, '127.0.0.9')), 2 * $MAX, 'proxies of our own have any number';
like $proxy->log, qr/connections-refused reason=limit-client address=127\.0\.0\.2 count=/, 'the log tells';

splice @first, 0, 3;
my @more;
ok eventually(sub { push @more, crowd(1, '127.0.0.2'); @more == 3 }), 'where some left, others may come';
is scalar(crowd(3, '127.0.0.2')), 0, 'and no more than those';

# --- the PROXY header's address counts, not the balancer's
my @behind = crowd($MAX + 4, '127.0.0.1', '192.0.2.1');
is scalar(@behind), $MAX, 'clients behind a balancer are told apart:';
is scalar(crowd(4, '127.0.0.1', '192.0.2.2')), 4, 'each has its own';

# --- a worker dies
@first = @more = @behind = ();
ok eventually(sub { push @first, crowd(1, '127.0.0.2'); @first == $MAX }, 20), 'a full house';
my $victim = $proxy->worker_of($first[0]);
my @lost = grep { $proxy->worker_of($_) == $victim } @first;
kill KILL => $victim;
ok eventually(sub { my @now = $proxy->worker_pids; @now == 2 && !grep { $_ == $victim } @now }), 'a worker is killed';
@first = grep { is_served($_) } @first;
is scalar(@first), $MAX - @lost, 'the other goes on with its own';
ok eventually(sub { push @first, crowd(1, '127.0.0.2'); @first == $MAX }), 'what it had is free again';
is scalar(crowd(2 * $MAX, '127.0.0.2')), 0, 'and no more';
@first = ();    # before it is told to end

done_testing;
