# Domain proxies through the control socket: all backends of a domain at once,
# stored before the answer, the same in SQLite, Redis and the table
# (1-registration.md 1.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use RedisServer;
use JSON::PP;

my $redis = RedisServer->new;
my $proxy = DynProxy->new(conf => { redis => '"' . $redis->addr . '"' });
my $backend = $proxy->backend(count => 3);

# What the registrar answers: exit code, and data or error.
sub ask {
    my ($cmd, @args) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => $proxy->socket_path('control')) or return (3);
    my $answer = decode_json(DynProxy::say_on($socket, encode_json({ v => 1, cmd => $cmd, args => \@args })));
    return ($answer->{exit}, $answer->{data} // $answer->{error});
}

sub served { ($_[1] // $proxy)->raw("GET / HTTP/1.1\r\nHost: $_[0]\r\nUser-Agent: t\r\nConnection: close\r\n\r\n") }

sub stored {
    my ($domain) = @_;
    return join ' ', sort split /\n/, $redis->cli('smembers', "frontend:$domain");
}

my @url = sort map { $backend->url($_) } 0 .. 2;
ok eventually(sub { $proxy->redis_status->{synced} }), 'Redis is there';
is_deeply [ ask('frontends') ], [ 0, [] ], 'there are none';
is +(ask('frontend-set', 'www.example.org', "@url"))[0], 0, 'one with three backends';
like served('www.example.org'), qr/^HTTP\S+ 200.*backend/s, 'is served';
is stored('www.example.org'), "@url", 'and in Redis';
is_deeply [ ask('frontends') ], [ 0, [ { domain => 'www.example.org', backends => \@url } ] ], 'and listed';
is +(ask('frontend-set', '*.example.org', $url[0]))[0], 0, 'a wildcard';
like served('other.example.org'), qr/^HTTP\S+ 200/, 'is served';
is +(ask('frontend-set', 'www.example.org', $url[1]))[0], 0, 'other backends';
is stored('www.example.org'), $url[1], 'take the place of all';

# an operator drains one, for all nodes and all domains: a host is to be restarted
my $other = DynProxy->new(conf => { redis => '"' . $redis->addr . '"', node_name => '"other"' });
ok eventually(sub { served('www.example.org', $other) =~ /^HTTP\S+ 200/ }), 'another node serves it';
is $proxy->ctl('drain', $backend->addr(1)), 0, 'its backend is drained here';
like served('www.example.org'), qr/^HTTP\S+ 503/, 'which has no requests any more';
ok eventually(sub { served('www.example.org', $other) =~ /^HTTP\S+ 503/ }), '  on the other node either';
like served('other.example.org', $other), qr/^HTTP\S+ 200/, '  unlike another backend';
is $redis->cli('sadd', 'frontend:www.example.org', $url[2]), 1, 'who knows no records adds one';
ok eventually(sub { served('www.example.org', $_) =~ /^HTTP\S+ 200/ }), '  which serves' for $proxy, $other;
is $redis->cli('srem', 'frontend:www.example.org', $url[2]), 1, '  and takes it away';
ok eventually(sub { served('www.example.org', $_) =~ /^HTTP\S+ 503/ }), '  and the first is drained as before' for $proxy, $other;
is $proxy->ctl('undrain', $backend->addr(1)), 0, 'until it is undrained';
ok eventually(sub { served('www.example.org', $_) =~ /^HTTP\S+ 200/ }), '  on each' for $proxy, $other;
$other->stop;

# however many there are
my @many = map { "d$_.example.net" } 1 .. 600;
is +(grep { (ask('frontend-set', $_, $url[2]))[0] != 0 } @many), 0, '600 domains at one address';
is_deeply [ ask('drain', $backend->addr(2)) ], [ 0, { changed => 600 } ], 'all of them are drained';
is +(grep { served($_) !~ /^HTTP\S+ 503/ } @many), 0, '  as is said';
is_deeply [ ask('drain', $backend->addr(2)) ], [ 0, { changed => 0 } ], '  and so they are';
is_deeply [ ask('undrain', $backend->addr(2)) ], [ 0, { changed => 600 } ], '  until all are undrained';
is +(grep { (ask('frontend-del', $_))[0] != 0 } @many), 0, '  and go';

for (['', $url[0]], ['UPPER.example.org', $url[0]], ['a.example.org', 'http://name:80'], ['a.example.org', ''],
    ['a.example.org', "$url[0] http://169.254.169.254:80"], ['a.example.org', "http://127.0.0.1:$proxy->{http_port}"],
    ['a.example.org', join ' ', map { "http://10.0.0.1:$_" } 1 .. 17]) {
    is +(ask('frontend-set', @$_))[0], 2, "refused: $_->[0] $_->[1]";
}
is $redis->cli('exists', 'frontend:a.example.org'), 0, 'and nothing of it is left';

my $pid = $proxy->registrar_pid;
kill 'KILL', $pid;
ok eventually(sub { ($proxy->registrar_pid // $pid) != $pid }), 'another registrar';
is_deeply [ sort map { "$_->{domain} @{ $_->{backends} }" } @{ (ask('frontends'))[1] } ],
    [ sort "*.example.org $url[0]", "www.example.org $url[1]" ], 'knows them';

# Redis is away for a while.
$redis->kill_hard;
is +(ask('frontend-set', 'late.example.org', $url[2]))[0], 0, 'accepted without Redis';
is +(ask('frontend-del', '*.example.org'))[0], 0, 'so is a removal';
$redis->start;
ok eventually(sub { stored('late.example.org') eq $url[2] && stored('*.example.org') eq '' }, 20), 'and made good later';
is +(ask('frontend-del', "$_.example.org"))[0], 0, "$_ goes" for qw(www late nobody);
is $redis->cli('keys', 'frontend:*'), '', 'nothing is left in Redis';
unlike served('www.example.org'), qr/^HTTP\S+ 200/, 'nor served';
$proxy->{expect} = qr/redis-lost|redis-loss|child-died/;
done_testing;
