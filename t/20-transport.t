# Messages as they end, early, late or not at all: trailers, early answers,
# half-closed and slow clients (2-http.md 2.4, 7-security.md 7.5).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use IO::Select;
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(time);

our $proxy = DynProxy->new(workers => 2, tools => ['seen', 'alpha']);
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64, Timeout => 5) or die $!;
is $proxy->register('seen', '.*', 'http://127.0.0.1:' . $listener->sockport), 'ok', 'a backend that shows all';
my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'and one that answers';
my $seen  = 'Host: ' . $proxy->host('seen');
my $alpha = 'Host: ' . $proxy->host('alpha');

# Read until it looks like that; what came.
sub read_until {
    my ($socket, $like, $seconds) = @_;
    my $got = '';
    my $select = IO::Select->new($socket);
    until ($got =~ $like) {
        last if !$select->can_read($seconds // 10) || !$socket->sysread($got, 65536, length $got);
    }
    return $got;
}

# A request, and the backend's end of it: (client, backend, what it got).  The
# last ones end here, so that no connection of theirs is used again.
my ($client, $far, $got);
sub begin {
    my ($request, $until) = @_;
    close $_ for grep { defined } $client, $far;
    my $new = $proxy->connect;
    $new->autoflush(1);
    print $new $request;
    my $backend = $listener->accept or die 'no connection to the backend';
    $backend->autoflush(1);
    return ($new, $backend, read_until($backend, $until // qr/\r\n\r\n/));
}

sub answer_of { DynProxy::Response->new($_[0]) }

# --- trailers
($client, $far, $got) = begin("POST / HTTP/1.1\r\n$seen\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n"
    . "3\r\nabc\r\n0\r\nX-Sum:  7\r\nHost: other\r\nContent-Length: 3\r\n\r\n", qr/\r\n0\r\n.*\r\n\r\n/s);
like $got, qr/\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n\z/, "a request's trailers: those that may pass";
like $got, qr/^TE: trailers\r$/m, 'TE: trailers';
like $got, qr/^Connection: TE\r$/m, 'is ours';
print $far "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 8\r\nSet-Cookie: a=b\r\n\r\n";
my $answer = answer_of(read_until($client, qr/\r\n0\r\n.*\r\n\r\n/s));
is $answer->body, 'abc', 'a response';
is $answer->trailers, "X-Sum: 8\r\n", 'and its trailers';
($client, $far) = begin("GET / HTTP/1.0\r\n$seen\r\n\r\n");
print $far "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 8\r\n\r\n";
like read_until($client, qr/(?!)/), qr/\r\n\r\nabc\z/, 'HTTP/1.0 has none';
($client, $far) = begin("GET / HTTP/1.1\r\n$seen\r\n\r\n");
print $far "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n" . "X-T: 1\r\n" x 17 . "\r\n";
unlike read_until($client, qr/(?!)/, 3), qr/\r\n0\r\n/, '17 trailers: cut, not ended';
close $_ for $client, $far;

# --- an early answer, while the client still sends
for my $how ('and reads on', 'and closes at once', 'and resets') {
    ($client, $far) = begin("POST / HTTP/1.1\r\n$seen\r\nContent-Length: 50000000\r\n\r\n" . 'x' x 100_000);
    print $far "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig";
    close $far if $how !~ /reads/;
    my $pid = fork // die $!;
    if (!$pid) {                 # a client that only sends until it fails
        local $SIG{PIPE} = 'IGNORE';
        my $piece = 'x' x 65536;
        for (1 .. 760) { $client->syswrite($piece) // last }
        POSIX::_exit(0);
    }
    $answer = answer_of(read_until($client, qr/big\z/));
    is $answer->status, 413, "a backend that answers early $how";
    is $answer->body, 'big', 'is heard';
    kill 'KILL', $pid;
    waitpid $pid, 0;
    close $_ for $client, $far;
}

# --- a client that says no more, and one that is gone
($client, $far) = begin("GET / HTTP/1.1\r\n$seen\r\n\r\n");
$client->shutdown(1);
ok !IO::Select->new($far)->can_read(0.5), 'a half-closed client is waited for';
print $far "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
is answer_of(read_until($client, qr/(?!)/))->body, 'hi', 'and gets its answer';
is $proxy->raw("GET /bytes/5 HTTP/1.1\r\n$alpha\r\nConnection: close\r\n\r\n") =~ /01234\z/ ? 1 : 0, 1, 'others too';
($client, $far) = begin("POST / HTTP/1.1\r\n$seen\r\nContent-Length: 10\r\n\r\nhalf");
$client->shutdown(1);
is read_until($far, qr/(?!)/), '', 'a body that ends too early is not ended for the backend';
ok !IO::Select->new($far)->can_read(0) || !sysread($far, my $nothing, 1), 'its connection is closed';

($client, $far) = begin("GET / HTTP/1.1\r\n$seen\r\n\r\n");
setsockopt $client, SOL_SOCKET, SO_LINGER, pack 'II', 1, 0;
close $client;
ok !!IO::Select->new($far)->can_read(30), 'a client that resets is noticed';
ok !sysread($far, my $gone, 1), 'its request is given up';
close $far;

# --- a body that is cut is not ended
($client, $far) = begin("GET / HTTP/1.1\r\n$seen\r\n\r\n");
print $far "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
close $far;
$got = read_until($client, qr/(?!)/);
unlike $got, qr/\r\n0\r\n/, 'a chunked body without its end';
ok !answer_of($got)->complete, 'is seen to be cut';
close $client;


# --- a client that is too slow, or may have left
close $_ for $client, $far;
my $strict = DynProxy->new(tools => ['seen'], conf => { body_timeout => '1500ms' });
is $strict->register('seen', '.*', 'http://127.0.0.1:' . $listener->sockport), 'ok', 'another proxy';
{
    local $proxy = $strict;
    $seen = 'Host: ' . $strict->host('seen');
    ($client, $far) = begin("GET / HTTP/1.1\r\n$seen\r\n\r\n");
    my $from = time;
    $client->shutdown(1);
    ok !!IO::Select->new($far)->can_read(20), 'a half-closed client is not waited for as long as others';
    ok !sysread($far, my $more, 1), 'its request is given up';
    cmp_ok time - $from, '>', 1, 'but not at once';
    $from = time;
    ($client, $far) = begin("POST / HTTP/1.1\r\n$seen\r\nContent-Length: 1000\r\n\r\n");
    my $select = IO::Select->new($client);
    until ($select->can_read(0.5) || time - $from > 60) { print $client 'x' }
    $answer = answer_of(read_until($client, qr/(?!)/, 3));
    is $answer->status, 408, 'a body that trickles in';
    cmp_ok time - $from, '>', 9, 'is refused after a while';
}

# --- a head of a response that comes byte by byte, and never ends
close $_ for $client, $far;
my $hasty = DynProxy->new(tools => ['seen'], conf => { response_head_timeout => '1s' });
is $hasty->register('seen', '.*', 'http://127.0.0.1:' . $listener->sockport), 'ok', 'one more proxy';
{
    local $proxy = $hasty;
    local $SIG{PIPE} = 'IGNORE';
    $seen = 'Host: ' . $hasty->host('seen');
    ($client, $far) = begin("GET / HTTP/1.1\r\n$seen\r\n\r\n");
    print $far "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nX: ";
    read_until($client, qr/103 .*\r\n\r\n/);
    my $from = time;
    my $select = IO::Select->new($client);
    until ($select->can_read(0.1) || time - $from > 20) { print $far 'x' }
    $answer = answer_of(read_until($client, qr/(?!)/, 3));
    is $answer->status, 504, 'a head that trickles in';
    is $answer->header('X-Dynproxy-Error'), 'backend-timeout-first-byte', 'has no end of time';
}
close $_ for $client, $far;
done_testing;
