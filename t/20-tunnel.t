# Upgrades: what was asked for and given becomes a tunnel, nothing else does
# (2-http.md 2.4; RFC 9110 section 7.8).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use IO::Select;
use IPC::Open2;
use Socket qw(SOL_SOCKET SO_ERROR SO_LINGER);

my $proxy = DynProxy->new(workers => 2, tools => ['echo', 'games'], tls => ["*.$DynProxy::DOMAIN"], conf => {
    https_redirect => 'off', map { $_ => '2s' } qw(request_head_timeout body_timeout send_timeout response_timeout) });

# --- WebSocket, by somebody else's code at both ends
my $script = "$FindBin::Bin/websocket.py";
my $pid = open2(my $ports, my $keep, $script, 'server');
chomp(my $port = <$ports>);
is $proxy->register('echo', '.*', "http://127.0.0.1:$port"), 'ok', 'a WebSocket server';
my @clients = map {
    open my $says, '-|', 'timeout', '60', $script, 'client', $proxy->host('echo'), @$_ or die $!;
    $says
} [$proxy->{http_port}], [$proxy->{https_port}, $proxy->ca->file];
for my $how ('', ', by TLS') {
    my $says = shift @clients;
    chomp(my @lines = <$says>);
    ok close $says, "its client$how";
    is scalar @lines, 10, 'said all it has to say';
    like $_, qr/^ok/, $_ for @lines;
}
close $keep;
waitpid $pid, 0;

# --- a backend of our own, to see every byte: one answer for each connection
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64, Timeout => 5) or die $!;
is $proxy->register('games', '.*', 'http://127.0.0.1:' . $listener->sockport), 'ok', 'a backend';
my $host = 'Host: ' . $proxy->host('games');

# Read until it looks like that; what came.
sub read_until {
    my ($socket, $like) = @_;
    my $got = '';
    my $select = IO::Select->new($socket);
    until ($got =~ $like) {
        last if !$select->can_read(10) || !$socket->sysread($got, 65536, length $got);
    }
    return $got;
}

# An answer, and whatever comes behind it: the client says that it has no more.
sub read_all {
    my ($client) = @_;
    my $got = read_until($client, qr/\r\n\r\n/);
    $client->shutdown(1);
    return $got . read_until($client, qr/(?!)/);
}

# Nothing there, and not for a while?
sub is_silent { !IO::Select->new($_[0])->can_read(0.3) }

# A request, and the backend's end of it: (client, backend, head it got).
sub begin {
    my ($request) = @_;
    my $client = $proxy->connect;
    $client->autoflush(1);
    print $client $request;
    my $backend = $listener->accept or die "no connection to the backend";
    $backend->autoflush(1);
    return ($client, $backend, read_until($backend, qr/\r\n\r\n/));
}

my $asks = "GET /chat HTTP/1.1\r\n$host\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo/1\r\n\r\n";
my $gives = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: Echo/1\r\nX-Own: 1\r\n\r\n";

my ($client, $backend, $head) = begin($asks . 'early');
like $head, qr/^Connection: upgrade\r$/mi, 'the backend is asked';
like $head, qr{^Upgrade: echo/1\r$}mi, 'for that protocol';
ok $head =~ /\r\n\r\n\z/ && is_silent($backend), 'bytes behind the request are held';
print $backend $gives . 'hello';
my $answer = read_until($client, qr/hello\z/);
like $answer, qr{\AHTTP/1\.1 101 .*\r\nConnection: upgrade\r\n.*\r\nhello\z}si, '101 and what follows';
like $answer, qr/^X-Own: 1\r$/m, 'with its other fields';
unlike $answer, qr/^Content-Length|^Transfer-Encoding/mi, 'and no framing';
is read_until($backend, qr/early/), 'early', 'until the 101';
print $client "\0\r\n\xff";
is read_until($backend, qr/\xff/), "\0\r\n\xff", 'any bytes up';
print $backend "GET / HTTP/1.1\r\n\r\n";
is read_until($client, qr/\r\n\r\n/), "GET / HTTP/1.1\r\n\r\n", 'and down';
ok is_silent($client) && is_silent($backend), 'and no others';

# --- half-close, both ways round
$client->shutdown(1);
is read_until($backend, qr/(?!)/), '', "the client's end is passed on";
print $backend 'still talking';
is read_until($client, qr/talking/), 'still talking', 'and only that';
$backend->shutdown(1);
is $client->sysread(my $nothing, 1), 0, "then the backend's";

($client, $backend) = begin($asks);
print $backend $gives . 'bye';
$backend->shutdown(1);
like read_until($client, qr/(?!)/), qr/bye\z/, 'a backend that ends first';
print $client 'last words';
$client->shutdown(1);
is read_until($backend, qr/(?!)/), 'last words', 'still hears the client';

($client, $backend) = begin($asks);
print $backend $gives;
read_until($client, qr/\r\n\r\n/);
setsockopt $client, SOL_SOCKET, SO_LINGER, pack 'II', 1, 0;
close $client;
is $backend->sysread($nothing, 1), undef, 'a reset goes through as one';

($client, $backend) = begin($asks);
print $backend $gives;
read_until($client, qr/\r\n\r\n/);
$client->shutdown(1);
is read_until($backend, qr/(?!)/), '', 'a client that sends no more';
setsockopt $client, SOL_SOCKET, SO_LINGER, pack 'II', 1, 0;
close $client;
ok eventually(sub { $backend->sockopt(SO_ERROR) }, 10), 'and one that is gone after that: a reset, too';

# --- back-pressure: a reader that sleeps stops the writer
($client, $backend) = begin($asks);
print $backend $gives;
read_until($client, qr/\r\n\r\n/);
$client->blocking(0);
my ($sent, $piece) = (0, 'x' x 65536);
my $select = IO::Select->new($client);
while ($select->can_write(0.5)) { $sent += $client->syswrite($piece) // last }
cmp_ok $sent, '<', 40_000_000, "a client cannot send more than is read ($sent bytes)";
my $got = 0;
while ($got < $sent) { $got += $backend->sysread(my $some, 1 << 20) || last }
is $got, $sent, 'and all of it arrives';
close $client;

# --- what is no tunnel
my @unasked = (
    ['HTTP/1.0',             "GET / HTTP/1.0\r\n$host\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"],
    ['h2c',                  "GET / HTTP/1.1\r\n$host\r\nConnection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"],
    ['no Connection option', "GET / HTTP/1.1\r\n$host\r\nUpgrade: echo\r\n\r\n"],
    ['two protocols',        "GET / HTTP/1.1\r\n$host\r\nConnection: upgrade\r\nUpgrade: echo, h2c\r\n\r\n"],
    ['a body',               "POST / HTTP/1.1\r\n$host\r\nConnection: upgrade\r\nUpgrade: echo\r\nContent-Length: 1\r\n\r\nx"],
);
for my $case (@unasked) {
    my ($what, $request) = @$case;
    ($client, $backend, $head) = begin($request);
    unlike $head, qr/^(?:Upgrade|HTTP2-Settings|Connection):/mi, "$what: not passed on";
    print $backend $gives . 'secret';
    $answer = DynProxy::Response->new(read_all($client));
    is $answer->status, 502, 'and a 101 to it is 502';
    is $answer->reason, 'backend-bad-response', 'because it was not asked for';
    unlike $answer->raw, qr/secret/, 'nothing behind it is passed on';
}

my @games = (
    ['names another protocol', "Connection: upgrade\r\nUpgrade: h2c\r\n"],
    ['names none',             "Connection: upgrade\r\n"],
    ['names two',              "Connection: upgrade\r\nUpgrade: echo/1, h2c\r\n"],
    ['is no option',           "Upgrade: echo/1\r\n"],
    ['has a length',           "Connection: upgrade\r\nUpgrade: echo/1\r\nContent-Length: 5\r\n"],
    ['is chunked',             "Connection: upgrade\r\nUpgrade: echo/1\r\nTransfer-Encoding: chunked\r\n"],
);
for my $case (@games) {
    my ($what, $fields) = @$case;
    ($client, $backend) = begin($asks);
    print $backend "HTTP/1.1 101 Switching Protocols\r\n$fields\r\nsecret";
    $answer = DynProxy::Response->new(read_all($client));
    is $answer->status, 502, "a 101 that $what";
    unlike $answer->raw, qr/secret/, 'nothing behind it is passed on';
}

($client, $backend) = begin($asks);
print $backend "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\nno";
$answer = DynProxy::Response->new(read_until($client, qr/no\z/));
is $answer->status, 426, 'a refusal is an answer';
print $client "GET /next HTTP/1.1\r\n$host\r\n\r\n";
like read_until($backend, qr/\r\n\r\n/), qr{\AGET /next }, 'and the connections live on';

close $_ for $client, $backend;
done_testing;
