# What backends and clients are told beside what they say themselves: ids,
# traces, addresses, the zone's fields, the site's files (2-http.md 2.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use DynProxy::Scripted;
use File::Temp;

my $files = File::Temp->newdir(TMPDIR => 1);
my $icon  = "\0\0\1\0" . 'i' x 40_000;
for (['favicon.ico', $icon], ['robots.txt', "User-agent: *\nDisallow: /\n"]) {
    open my $out, '>', "$files/$_->[0]" or die $!;
    print $out $_->[1];
    close $out;
}
my $proxy = DynProxy->new(
    workers => 2,
    tools   => ['alpha', 'beta', 'gone'],
    conf    => {
        client_address_for => 'beta',
        csp_report_only    => qq("default-src 'self'"),
        response_headers   => '{ "default Permissions-Policy: browsing-topics=()", "remove X-Powered-By",'
            . ' "default X-Clacks-Overhead: GNU Terry Pratchett", "set X-All: all",'
            . ' "for beta.example.test set X-All: beta" }',
        favicon_file => qq("$files/favicon.ico"),
        robots_file  => qq("$files/robots.txt"),
    });

# /head answers the head, /switch another protocol; other paths name their status and fields: /404/A:b
my $backend = DynProxy::Scripted->new(sub {
    my ($method, $path, $head, $socket) = @_;
    if ($path eq '/switch') {
        print $socket "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\nX-All: mine\r\nStrict-Transport-Security: max-age=0\r\n\r\n";
        return 0;
    }
    my ($status, $fields) = $path =~ m{^/(\d{3})/?(.*)} ? ($1, $2) : (200, '');
    $status = 404 if $path =~ m{^/(favicon.ico|robots.txt)$};
    $fields = join '', map { s/%20/ /gr . "\r\n" } split /;/, $fields;
    my $body = $path eq '/head' ? $head : "nothing\n";
    print $socket "HTTP/1.1 $status X\r\n$fields" . 'Content-Length: ' . length($body) . "\r\n\r\n";
    print $socket $body if $method ne 'HEAD';
    return 1;
});
is $proxy->register($_, '.*', $backend->url), 'ok', $_ for qw(alpha beta);

# --- what the backend is told
sub head { my ($tool, %headers) = @_; return $proxy->get($tool, '/head', headers => \%headers)->body }
my $id    = qr/[0-9a-f]{32}/;
my $plain = head('alpha');
unlike $plain, qr/^X-Forwarded-For:/mi, 'a tool is not told who asks';
like head('beta'), qr/^X-Forwarded-For: 127\.0\.0\.1\r$/m, 'but where it is configured';
like head('beta', 'X-Forwarded-For' => '6.6.6.6'), qr/^X-Forwarded-For: 127\.0\.0\.1\r$/m, 'whatever a client claims';
my ($first) = $plain =~ /^X-Request-Id: ($id)\r$/m;
ok $first, 'a request gets an id';
my %ids = map { head('alpha') =~ /^X-Request-Id: ($id)\r$/m; $1 => 1 } 1 .. 50;
is scalar keys %ids, 50, 'each its own, in every worker';
like head('alpha', 'X-Request-Id' => 'from.the-client_1'), qr/^X-Request-Id: from\.the-client_1\r$/m, 'a good one is kept';
like head('alpha', 'X-Request-Id' => '<evil value>'), qr/^X-Request-Id: $id\r$/m, 'a bad one is replaced';

like $plain, qr/^traceparent: 00-$id-[0-9a-f]{16}-00\r$/m, 'a trace begins';
my $trace = '4bf92f3577b34da6a3ce929d0e0e4736';
my $goes_on = head('alpha', traceparent => "00-$trace-00f067aa0ba902b7-01", tracestate => 'a=1');
like $goes_on, qr/^traceparent: 00-$trace-(?!00f067aa0ba902b7)[0-9a-f]{16}-01\r$/m, 'or goes on, with a span of ours';
like $goes_on, qr/^tracestate: a=1\r$/m, 'and its state';
my $bad = head('alpha', traceparent => "00-$trace-0000000000000000-01", tracestate => 'a=1');
unlike $bad, qr/$trace|tracestate/, 'an invalid one is replaced';

# --- what the client is told
for my $case (
    ['a backend',       $proxy->get('alpha', '/200/X-Powered-By:evil;X-All:mine')],
    ['its error',       $proxy->get('alpha', '/500')],
    ['an error of ours', $proxy->get('nobody', '/')],
    ['a bad request',   DynProxy::Response->new($proxy->raw("GET / HTTP/1.1\r\n\r\n"))],
    ['the health check', $proxy->get('alpha', '/.well-known/healthz')],
    ['a tunnel', $proxy->get('alpha', '/switch', headers => { Connection => 'upgrade', Upgrade => 'x' })],
) {
    my ($what, $answer) = @$case;
    is $answer->header('permissions-policy'), 'browsing-topics=()', "$what: Permissions-Policy";
    is $answer->header('x-clacks-overhead'), 'GNU Terry Pratchett', '  X-Clacks-Overhead';
    is $answer->header('content-security-policy-report-only'), "default-src 'self'", '  the report-only policy';
    is $answer->header('x-all'), 'all', '  what is set for all';
    is $answer->header('x-powered-by'), undef, '  what is removed';
    is $answer->header('strict-transport-security'), undef, '  no promise of TLS without TLS';
}
is $proxy->get('beta', '/')->header('x-all'), 'beta', 'a zone has its own';
is $proxy->get('alpha', '/200/Permissions-Policy:camera=()')->header('permissions-policy'), 'camera=()',
    "a backend's own wins over a default";
is $proxy->get('alpha', '/200/Connection:%20X-All')->header('x-all'), 'all', 'Connection does not name it away';
is $proxy->get('alpha', '/302/Location:%20http://alpha.example.test/x')->header('location'),
    'http://alpha.example.test/x', 'without TLS a location stays';

# --- TLS, which here a trusted proxy before us speaks
my $tls = DynProxy->new(tools => ['alpha'], conf => { trusted_proxies => '"127.0.0.1"', client_address_for => 'alpha' });
is $tls->register('alpha', '.*', $backend->url), 'ok', 'behind TLS';
my %tls = (headers => { 'X-Forwarded-Proto' => 'https', 'X-Forwarded-For' => '192.0.2.7' });
for my $path ('/', '/500', '/200/Strict-Transport-Security:max-age=0') {
    is $tls->get('alpha', $path, %tls)->header('strict-transport-security'), 'max-age=31622400', "the promise of TLS: $path";
}
is $tls->get('nobody', '/', %tls)->header('strict-transport-security'), 'max-age=31622400', 'in an error of ours, too';
is $tls->get('alpha', '/200/Strict-Transport-Security:max-age=0')->header('strict-transport-security'), undef,
    "not even a backend's without TLS";
is $tls->get('alpha', '/302/Location:%20http://alpha.example.test/x?y', %tls)->header('location'),
    'https://alpha.example.test/x?y', 'a location leads back by TLS';
is $tls->get('alpha', "/302/Location:%20http://$_/", %tls)->header('location'), "http://$_/", "to $_ it stays"
    for qw(beta.example.test alpha.example.test.evil.test);
like $tls->get('alpha', '/head', %tls)->body, qr/^X-Forwarded-For: 192\.0\.2\.7\r$/m, 'who asks is who the proxy says';

# --- the health check
my $health = $proxy->get('alpha', '/.well-known/healthz');
is $health->body, 'proxy ok!', 'the health check: exactly these bytes';
is $health->header('content-type'), 'text/plain', 'as text/plain';
is $health->header('content-length'), 9, 'nine of them';

# --- the site's files
my $favicon = $proxy->get('alpha', '/favicon.ico');
is $favicon->status, 200, 'a favicon, where the tool has none';
ok $favicon->body eq $icon && $favicon->complete, 'is the site\'s';
is $favicon->header('content-type'), 'image/x-icon', 'as such';
like $proxy->get('alpha', '/robots.txt')->body, qr/^User-agent: \*$/m, 'robots.txt, too';
my $head = $proxy->request('HEAD', 'alpha', '/favicon.ico');
is $head->status . ' ' . $head->header('content-length') . $head->rest, '200 ' . length $icon, 'HEAD';
is $proxy->request('POST', 'alpha', '/favicon.ico')->status, 404, 'POST is passed on';
is $proxy->get('alpha', '/404')->status, 404, 'so is another 404';
is $proxy->get('nobody', '/favicon.ico')->status, 404, 'and nobody has no favicon';
my $two = $proxy->raw("GET /favicon.ico HTTP/1.1\r\nHost: alpha.example.test\r\n\r\n"
    . "GET / HTTP/1.1\r\nHost: alpha.example.test\r\nConnection: close\r\n\r\n");
my $second = DynProxy::Response->new(DynProxy::Response->new($two)->rest);
is $second->body, "nothing\n", 'the connection goes on';

# --- a file that is not there is told at the start
my $broken = eval { DynProxy->new(conf => { favicon_file => '"/nowhere/favicon.ico"' }) };
ok !$broken, 'a file that is missing';
like $@, qr{/nowhere/favicon\.ico: No such file}, 'is told at the start';

my $none = DynProxy->new(tools => ['alpha'], conf => { response_headers => '{}' });
is $none->register('alpha', '.*', $backend->url), 'ok', 'without settings';
is $none->get('alpha', '/favicon.ico')->status, 404, 'the 404 is passed on';
is $none->get('alpha', '/')->header('permissions-policy'), undef, 'and nothing is said';

done_testing;
