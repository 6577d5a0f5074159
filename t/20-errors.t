# Every error of ours says why: the same word in X-Dynproxy-Error and in the
# page, which names status, host, request and time, in the form that the client
# likes best (2-http.md 2.3; field/conventions.md 10 and 11).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use DynProxy::Scripted;
use JSON::PP;

my $proxy = DynProxy->new(
    tools => ['alpha', 'refused', 'stopped'],
    conf  => {
        request_head_timeout => '2s',
        response_timeout     => '2s',
        request_body_max     => '1m',
        contact              => '"https://admin.example.test/tool/{tool}?a&b"',
    });
my $backend = DynProxy::Scripted->new(sub {
    my ($method, $path, $head, $socket) = @_;
    return 0 if $path eq '/closed';
    return sleep 5 if $path eq '/silent';
    print $socket $path eq '/nonsense' ? "what?\r\n\r\n" : "HTTP/1.1 503 Own\r\nContent-Length: 4\r\n\r\nmine";
    return 0;
});
is $proxy->register($_, '.*', $backend->url), 'ok', "a tool, $_" for qw(alpha stopped);
my $gone = $proxy->backend;
is $proxy->register('refused', '.*', $gone->url), 'ok', 'a tool';
is $proxy->get('refused', '/')->status, 200, 'that answers';
$gone->stop;    # and then does not
is $proxy->unregister('stopped', '.*'), 'ok', 'one that is stopped';

# what, tool (undef: the head has its Host, or none), path or head, status, reason, Retry-After, voice
my ($client, $tool, $nobody) = ('This request cannot be served', 'This tool is in trouble', 'Nobody has this name');
my @cases = (
    ['no Host',          undef,     "GET / HTTP/1.1\r\n", 400, 'no-host', 0, $client],
    ['a bad Host',       undef,     "GET / HTTP/1.1\r\nHost: <b>\r\n", 400, 'no-host', 0, $client],
    ['not HTTP',         undef,     "GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n", 400, 'bad-request', 0, $client],
    ['another HTTP',     undef,     "GET / HTTP/3.0\r\nHost: a\r\n", 400, 'bad-version', 0, $client],
    ['CONNECT',          undef,     "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n", 405, 'method', 0, $client],
    ['a long target',    'alpha',   '/' . 'x' x 9000, 414, 'target-too-long', 0, $client],
    ['many fields',      undef,     "GET / HTTP/1.1\r\nHost: a\r\n" . "A: b\r\n" x 200, 431, 'header-too-large', 0, $client],
    ['a large body',     undef,     "POST / HTTP/1.1\r\nHost: alpha.example.test\r\nContent-Length: 9999999\r\n", 413, 'body-too-large', 0, $client],
    ['a name of nobody', 'nobody',  '/', 404, 'no-route', 0, $nobody],
    ['a stopped tool',   'stopped', '/', 503, 'tool-stopped', 60, $tool],
    ['a refusing one',   'refused', '/', 503, 'backend-refused', 10, $tool],
    ['one that closes',  'alpha',   '/closed', 502, 'backend-closed', 0, $tool],
    ['one that babbles', 'alpha',   '/nonsense', 502, 'backend-bad-response', 0, $tool],
    ['a silent one',     'alpha',   '/silent', 504, 'backend-timeout-first-byte', 0, $tool],
    ['a loop',           undef,     "GET / HTTP/1.1\r\nHost: alpha.example.test\r\nVia: 1.1 dynproxy, 1.1 dynproxy\r\n", 508, 'loop', 0, $tool],
);

# A head of our own, or one made of tool and path; accept: the field's value.
sub ask {
    my ($case, $accept, $method) = @_;
    my (undef, $name, $what) = @$case;
    my $head = defined $name ? "GET $what HTTP/1.1\r\nHost: " . $proxy->host($name) . "\r\n" : $what;
    $head =~ s/\AGET/$method/ if $method;
    return DynProxy::Response->new(
        $proxy->raw("${head}X-Request-Id: request-of-test\r\nConnection: close\r\nAccept: $accept\r\n\r\n"), $method);
}

for my $case (@cases) {
    my ($what, $name, undef, $status, $reason, $retry, $voice) = @$case;
    my $parsed = $reason !~ /^(?:bad-request|bad-version|target-too-long|header-too-large)$/;
    my %page = map { $_->[0] => ask($case, $_->[1]) }
        [text => '*/*'], [html => 'text/html,application/xhtml+xml,*/*;q=0.8'], [json => 'application/json'];
    for my $form ($parsed ? qw(text html json) : 'text') {
        my $answer = $page{$form};
        is join(' ', $answer->status, $answer->reason // '-'), "$status $reason", "$what as $form: $status $reason";
        is $answer->header('retry-after') // 0, $retry, '  Retry-After';
        is $answer->header('cache-control'), 'no-store', '  never kept';
        ok $answer->complete && length $answer->body < 8192, '  in one piece of less than 8 KB';
        my $body = $answer->body;
        like $body, qr/\b$_\b/, "  names $_" for $reason, $status, $voice;
        like $body, qr/\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ/, '  and the time';
        like $body, $parsed ? qr/request-of-test/ : qr/[0-9a-f]{32}/, '  and the request';
        like $body, qr/\Q$name.example.test/, '  and the host' if defined $name && $parsed;
    }
    next if !$parsed;
    is $page{html}->header('content-type'), 'text/html; charset=utf-8', '  HTML';
    like $page{html}->body, qr{\A<!DOCTYPE html>.*</html>\n\z}s, '  whole';
    is $page{json}->header('content-type'), 'application/problem+json', '  JSON';
    my $json = eval { decode_json($page{json}->body) } // {};
    is "$json->{status} $json->{reason} $json->{request}", "$status $reason request-of-test", '  which parses';
    next if !defined $name;
    my $head = ask($case, 'text/html', 'HEAD');
    is $head->status, $status, '  HEAD has the status';
    cmp_ok $head->header('content-length') // 0, '>', 1000, '  and the length';
    is $head->rest, '', '  and no body';
}

# --- whom to ask
my $page = $proxy->get('refused', '/', headers => { Accept => 'text/html' })->body;
like $page, qr{<a href="https://admin\.example\.test/tool/refused\?a&amp;b">}, 'a page about a tool names whom to ask';
is $proxy->ctl('maintenance', 'on', 'alpha'), 0, 'maintenance';
$page = $proxy->get('alpha', '/', headers => { Accept => 'text/html' })->body;
like $page, qr{<a href="https://admin\.example\.test/tool/alpha\?.*tool-maintenance}s, 'so does one about its maintenance';
is $proxy->ctl('maintenance', 'off', 'alpha'), 0, 'which ends';
unlike $proxy->get('nobody', '/', headers => { Accept => 'text/html' })->body, qr/<a /, 'one about nobody does not';

# --- a client that is too slow, and a backend's own error
my $slow = $proxy->connect;
print $slow "GET / HTTP/1.1\r\n";
my $late = DynProxy::Response->new(DynProxy::converse($slow));
is join(' ', $late->status, $late->reason), '408 timeout-client', 'a head that does not come: 408';
my $own = $proxy->get('alpha', '/own');
is join(' ', $own->status, $own->body, $own->reason // '-'), '503 mine -', "a backend's error passes as it is";

done_testing;
