# Who waits when a reload shortens how long one may waits no longer than that:
# clients between requests, and connections to backends (dynproxy.conf(5)).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use IO::Select;

my $proxy = DynProxy->new(tools => ['alpha'], tls => ["*.$DynProxy::DOMAIN"],
    conf => { https_redirect => 'off', (map { ($_ => '5m') } qw(keepalive_timeout keepalive_timeout_calm backend_idle_timeout)) });
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1, Timeout => 10) or die $!;
is $proxy->register('alpha', '.*', 'http://127.0.0.1:' . $listener->sockport), 'ok', 'a tool';

my $client = $proxy->connect;
$client->printflush("GET / HTTP/1.1\r\nHost: " . $proxy->host('alpha') . "\r\n\r\n");
my $backend = $listener->accept or die $!;
my $head = '';
$head .= <$backend> until $head =~ /\r\n\r\n\z/;
$backend->printflush("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
my $answer = '';
1 while $answer !~ /hello\z/ && $client->sysread($answer, 4096, length $answer);
like $answer, qr/^HTTP\S+ 200 /, 'a request is done: its two connections wait for the next one';
my $h2 = open my $tls, '|-', 'exec openssl s_client -quiet -alpn h2 -connect 127.0.0.1:' . $proxy->{https_port} . ' >/dev/null 2>&1' or die $!;
ok eventually(sub { $proxy->metrics->{'dynproxy_connections{state="idle"}'} == 2 }), 'so does one with HTTP/2';

$proxy->configure(map { ($_ => '1s') } qw(keepalive_timeout keepalive_timeout_calm backend_idle_timeout));
is $proxy->ctl('reload'), 0, 'they may wait for a second' or diag $proxy->err;
for ([$client, 'the client'], [$backend, 'the backend']) {
    my ($socket, $who) = @$_;
    my $told = IO::Select->new($socket)->can_read(20);
    is $told ? $socket->sysread(my $nothing, 1) : 'nothing', 0, "$who is told soon that its connection ends";
}
ok eventually(sub { $proxy->metrics->{'dynproxy_connections{state="idle"}'} == 0 }), 'and HTTP/2 is not forgotten';
kill 'TERM', $h2;
close $tls;
done_testing;
