# HTTP/1 through the real thing: methods, bodies, connections (2-http.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Digest::MD5 qw(md5_hex);

my $proxy   = DynProxy->new(workers => 2, tools => ['alpha', 'broken'], conf => { request_body_max => '64m' });
my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';

my $host = 'Host: alpha.example.test';
my $end  = "Connection: close\r\n\r\n";

# --- methods and bodies
my $generated = join '', map { substr '0123456789abcdefghijklmnopqrstu', $_ % 31, 1 } 0 .. 200_000;
for my $framing (qw(bytes chunked close)) {
    for my $n (0, 1, 200_000) {
        my $answer = $proxy->get('alpha', "/$framing/$n");
        is $answer->status, 200, "GET of $n bytes, $framing";
        ok $answer->complete && $answer->body eq substr($generated, 0, $n), 'every byte';
    }
}
my $head = $proxy->request('HEAD', 'alpha', '/bytes/5000');
is $head->status, 200, 'HEAD';
is $head->header('content-length'), 5000, 'has the length';
is $head->rest, '', 'and no body';

my $body = join '', map { chr int rand 256 } 1 .. 300_000;
my $echo = $proxy->request('POST', 'alpha', '/echo', body => $body);
is md5_hex($echo->body), md5_hex($body), 'POST with a length';
my $chunks = join('', map { sprintf "%x\r\n%s\r\n", length, $_ } unpack '(a7777)*', $body) . "0\r\n\r\n";
$echo = DynProxy::Response->new($proxy->raw(
    "POST /echo HTTP/1.1\r\n$host\r\nTransfer-Encoding: chunked\r\n$end$chunks"));
is md5_hex($echo->body), md5_hex($body), 'POST in chunks';
is $proxy->request($_, 'alpha', '/echo', body => 'x')->body, 'x', $_ for qw(PUT PATCH DELETE);

# --- what the backend gets
my $seen = $proxy->request('GET', 'alpha', '/head?a=b', headers => {
    'X-Own' => 'kept', 'Keep-Alive' => 'timeout=5', 'Proxy' => 'evil',
    'X-Forwarded-Host' => 'forged', 'X-Hop' => 'no', 'Connection' => 'X-Hop, close' })->body;
like $seen,   qr{^GET /head\?a=b HTTP/1\.1\r\n}, 'the target as it was';
like $seen,   qr/^Host: alpha\.example\.test\r$/m, 'Host as received';
like $seen,   qr/^X-Own: kept\r$/m, "the client's fields";
unlike $seen, qr/^(?:Keep-Alive|Proxy|X-Hop):/mi, 'no hop-by-hop ones';
like $seen,   qr/^X-Forwarded-Host: alpha\.example\.test\r$/mi, 'X-Forwarded-Host is ours';
like $seen,   qr/^X-Forwarded-Proto: http\r$/mi, 'X-Forwarded-Proto';
unlike $seen, qr/^X-Forwarded-For:/mi, 'privacy: no X-Forwarded-For';

# --- connections
my $two = $proxy->raw("GET / HTTP/1.1\r\n$host\r\n\r\nGET /bytes/10 HTTP/1.1\r\n$host\r\n$end");
my $first  = DynProxy::Response->new($two);
my $second = DynProxy::Response->new($first->rest);
is $first->body, 'backend ' . $backend->port . "\n", 'pipelined: the first';
is $second->body, '0123456789', 'and the second, in order';

my $socket = $proxy->connect;
my $answered = 0;
for (1 .. 100) {
    print $socket "GET /bytes/10 HTTP/1.1\r\n$host\r\n\r\n";
    my $got = '';
    1 while $got !~ /\r\n\r\n.{10}\z/s && $socket->sysread($got, 4096, length $got);
    $answered++ if $got =~ m{\AHTTP/1\.1 200 };
}
is $answered, 100, '100 requests on one connection';

my $old = DynProxy::Response->new($proxy->raw("GET / HTTP/1.0\r\n$host\r\n\r\n"));
is $old->status, 200, 'HTTP/1.0 ends by itself';
my $trickle = $proxy->connect;
$trickle->autoflush(1);
print $trickle $_ for split //, "GET / HTTP/1.1\r\n$host\r\n$end";
my $whole = DynProxy::Response->new(DynProxy::converse($trickle));
is $whole->status, 200, 'a request that comes byte by byte';

# --- back-pressure: 60 MB to a client that does not read costs no memory
my $slow = $proxy->connect;
print $slow "GET /bytes/60000000 HTTP/1.1\r\n$host\r\n$end";
my $pid = $proxy->worker_of($slow);
ok $pid, 'a slow reader';
$proxy->get('alpha', '/') for 1 .. 50;
my ($kilobytes) = DynProxy::slurp("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m;
cmp_ok $kilobytes, '<', 30_000, "the worker keeps little of it ($kilobytes KiB)"
    if $DynProxy::BUILD !~ /address/;
my $length = 0;
while (my $n = $slow->sysread(my $piece, 1 << 20)) { $length += $n }
cmp_ok $length, '>', 60_000_000, 'and it gets everything in the end';

my $up = '0123456789' x 2_000_000;
is md5_hex($proxy->request('POST', 'alpha', '/echo', body => $up)->body), md5_hex($up), '20 MB up and down';

# --- what is refused
my @refused = (
    ['no Host',               "GET / HTTP/1.1\r\n$end",                          400, 'no-host'],
    ['two Hosts',             "GET / HTTP/1.1\r\n$host\r\n$host\r\n$end",        400, 'no-host'],
    ['an unknown name',       "GET / HTTP/1.1\r\nHost: nobody.example.test\r\n$end", 404, 'no-route'],
    ['another domain',        "GET / HTTP/1.1\r\nHost: alpha.example.org\r\n$end",   404, 'no-route'],
    ['CL with TE',            "POST / HTTP/1.1\r\n$host\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, 'bad-request'],
    ['two lengths',           "POST / HTTP/1.1\r\n$host\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, 'bad-request'],
    ['a folded field',        "GET / HTTP/1.1\r\n$host\r\nA: b\r\n c\r\n$end",   400, 'bad-request'],
    ['blank before colon',    "GET / HTTP/1.1\r\n$host\r\nA : b\r\n$end",        400, 'bad-request'],
    ['a bad chunk size',      "POST /echo HTTP/1.1\r\n$host\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, 'bad-request'],
    ['no HTTP at all',        "\x16\x03\x01\x02\x00\x01\r\n\r\n",                400, 'bad-request'],
    ['HTTP/2.0 in a line',    "GET / HTTP/2.0\r\n$host\r\n$end",                 400, 'bad-version'],
    ['a long target',         'GET /' . 'a' x 9000 . " HTTP/1.1\r\n$host\r\n$end", 414, 'target-too-long'],
    ['a large head',          "GET / HTTP/1.1\r\n$host\r\n" . "A: b\r\n" x 200 . $end, 431, 'header-too-large'],
    ['a large body',          "POST /echo HTTP/1.1\r\n$host\r\nContent-Length: 99999999\r\n\r\n", 413, 'body-too-large'],
    ['CONNECT',               "CONNECT alpha.example.test:443 HTTP/1.1\r\n$host\r\n$end", 405, 'method'],
);
for my $case (@refused) {
    my ($what, $bytes, $status, $reason) = @$case;
    my $answer = DynProxy::Response->new($proxy->raw($bytes));
    is $answer->status, $status, "$what: $status";
    is $answer->reason, $reason, "because: $reason";
}

# --- bad backends
is $proxy->get('alpha', '/nonsense')->reason, 'backend-bad-response', 'a backend that talks nonsense: 502';
ok !$proxy->get('alpha', '/cut/50000')->complete, 'a body that is cut is not passed off as whole';
my $gone = $proxy->backend;
is $proxy->register('broken', '.*', $gone->url), 'ok', 'a tool';
is $proxy->get('broken', '/')->status, 200, 'is served';
$gone->stop;
my $answer = $proxy->get('broken', '/');
is $answer->status, 503, 'its server is gone: 503';
is $answer->reason, 'backend-refused', 'and says so';
ok $answer->header('retry-after'), 'with Retry-After';
is $proxy->get('alpha', '/')->status, 200, 'the others do not notice';

done_testing;
