# The metrics know how many connections clients have, and what they are: active,
# idle, tunnels; those of a worker that was killed are none (4-operations.md 4.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;

my $proxy = DynProxy->new(tools => ['alpha', 'games'], tls => ["*.$DynProxy::DOMAIN"], expect => qr/child-died .* signal=9/,
    conf => { https_redirect => 'off', keepalive_timeout => '1m' });
my $backend = $proxy->backend(text => 'hello');
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1, Timeout => 10) or die $!;
is $proxy->register('games', '.*', 'http://127.0.0.1:' . $listener->sockport), 'ok', 'another';

sub states {
    my $all = $proxy->metrics;
    return join ' ', map { $all->{"dynproxy_connections{state=\"$_\"}"} } qw(active idle tunnel);
}
sub become { my ($want, $what) = @_; ok eventually(sub { states() eq $want }), $what or diag states() }
sub ask {
    my ($client, $tool, $path, @fields) = @_;
    $client->printflush(join "\r\n", "GET $path HTTP/1.1", 'Host: ' . $proxy->host($tool), @fields, '', '');
}

become('0 0 0', 'there are none');
my $client = $proxy->connect;
become('0 1 0', 'a client is there and says nothing: idle');
ask($client, 'alpha', '/slow/60000');
become('1 0 0', 'it waits for its answer: active');
my $other = $proxy->connect;
ask($other, 'alpha', '/');
my $answer = '';
1 while $answer !~ /hello$/ && $other->sysread($answer, 4096, length $answer);
become('1 1 0', 'another has had its answer: idle');

ask($other, 'games', '/', 'Connection: upgrade', 'Upgrade: chess');
my $game = $listener->accept or die $!;
$game->printflush("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chess\r\n\r\n");
become('1 0 1', 'and now a tunnel');
close $_ for $game, $other;
become('1 0 0', 'which has ended');

my $pid = open my $curl, '-|', 'curl', '-skN', '--http2', '--resolve', join(':', $proxy->host('alpha'), $proxy->{https_port}, '127.0.0.1'),
    'https://' . $proxy->host('alpha') . ":$proxy->{https_port}/slow/60000" or die $!;
become('2 0 0', 'HTTP/2 with a stream: active');
my $quiet = open my $tls, '|-', 'exec openssl s_client -quiet -alpn h2 -connect 127.0.0.1:' . $proxy->{https_port} . ' >/dev/null 2>&1' or die $!;
become('2 1 0', 'and without: idle');
kill 'TERM', $pid, $quiet;
close $_ for $curl, $tls;
become('1 0 0', 'both have gone');

kill 'KILL', $proxy->worker_pids;
become('0 0 0', 'what a worker had that was killed is gone');
done_testing;
