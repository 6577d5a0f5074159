# Who the client is, behind load balancers and proxies of our own.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;

my $marked = free_port();
my $proxy = DynProxy->new(tools => ['alpha'], proxied => $marked, conf => {
    client_address_for   => '{ alpha }',
    trusted_proxies      => '{ "10.0.0.0/8", "2001:db8:1::/48" }',
    request_head_timeout => '2s',
});
my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool that is told';

# What the backend sees of a request that comes with these bytes before it.
sub seen {
    my ($before, $fields) = @_;
    my $socket = $proxy->connect($marked);
    my $answer = DynProxy::converse($socket, $before,
        "GET /head HTTP/1.1\r\nHost: alpha.example.test\r\n" . ($fields // '') . "Connection: close\r\n\r\n");
    return DynProxy::Response->new($answer)->body;
}
sub client_of { seen(@_) =~ /^X-Forwarded-For: (.*)\r$/m ? $1 : undef }

my $v2 = "\r\n\r\n\0\r\nQUIT\n";
is client_of("PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n"), '192.0.2.7', 'version 1';
is client_of("PROXY TCP6 2001:db8::7 ::1 4711 80\r\n"), '2001:db8::7', 'IPv6';
is client_of("PROXY UNKNOWN\r\n"), '127.0.0.1', 'nothing said';
is client_of($v2 . pack('CCnNNnn', 0x21, 0x11, 12, 0xc0000208, 0x0a000001, 4711, 80)), '192.0.2.8', 'version 2';
is client_of($v2 . pack('CCn', 0x20, 0, 0)), '127.0.0.1', "the balancer's own";
is $proxy->get('alpha', '/head')->body =~ /^X-Forwarded-For: (.*)\r$/m && $1, '127.0.0.1', 'not on other listeners';

my $socket = $proxy->connect($marked);
$socket->autoflush(1);
print $socket $_ for split //, "PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n";
for (1 .. 2) {
    print $socket "GET /bytes/10 HTTP/1.1\r\nHost: alpha.example.test\r\n\r\n";
    my $got = '';
    1 while $got !~ /0123456789\z/ && $socket->sysread($got, 4096, length $got);
    like $got, qr{\AHTTP/1.1 200 }, "byte by byte, request $_";
}
is seen(''), '', 'no header: closed without a word';
is DynProxy::converse($proxy->connect($marked), "PROXY TCP4 192.0.2.7\r\nGET"), '', 'nonsense: the same';
is DynProxy::converse($proxy->connect($marked), 'PROXY'), '', 'half of one: in the end, too';

# --- X-Forwarded-For, from whom it may be believed
my $us = "PROXY TCP4 10.1.2.3 10.0.0.1 4711 80\r\n";
is client_of($us), '10.1.2.3', 'a proxy of ours';
is client_of($us, "X-Forwarded-For: 192.0.2.1\r\n"), '192.0.2.1', 'is believed';
is client_of($us, "X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.9.9.9\r\n"), '192.0.2.1', 'the last that is none of ours';
is client_of($us, "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 2001:db8:2::1\r\nX-Forwarded-For: 2001:db8:1::1\r\n"),
    '2001:db8:2::1', 'over several fields';
is client_of($us, "X-Forwarded-For: 192.0.2.1, nonsense\r\n"), '10.1.2.3', 'nonsense ends it';
is client_of("PROXY TCP4 192.0.2.9 10.0.0.1 4711 80\r\n", "X-Forwarded-For: 6.6.6.6\r\n"), '192.0.2.9', 'strangers are not believed';
my $head = seen($us, "X-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\nX-Forwarded-Host: shown.example.test\r\n");
like $head, qr/^X-Forwarded-Proto: https\r$/m, 'its scheme goes on';
like $head, qr/^X-Forwarded-Port: 443\r$/m, 'and its port';
like $head, qr/^X-Forwarded-Host: shown\.example\.test\r$/m, 'and its host';
like seen($us, $_), qr/^X-Forwarded-Port: $marked\r$/m, 'but not what is none: ' . s/\r\n/ /gr
    for '', map({ "X-Forwarded-Port: $_\r\n" } '', 0, 65536, '443x', '-1'), "X-Forwarded-Port: 443\r\nX-Forwarded-Port: 443\r\n";
$head = seen("PROXY UNKNOWN\r\n", "X-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\nX-Forwarded-Host: shown.example.test\r\n");
like $head, qr/^X-Forwarded-Port: $marked\r$/m, "a stranger's does not";
like $head, qr/^X-Forwarded-Proto: http\r$/m, "neither his scheme";
like $head, qr/^X-Forwarded-Host: alpha\.example\.test\r$/m, 'nor his host';

done_testing;
