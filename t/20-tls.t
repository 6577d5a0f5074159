# Clients are served over TLS as over TCP, with the certificate of the name
# that they ask for (2-http.md 2.4).
use v5.26;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;

use File::Temp;
use JSON::PP;

my $logs = File::Temp->newdir;
my $marked = free_port();
chmod 0777, $logs;    # the logger is a user of its own
my $proxy = DynProxy->new(tools => ['alpha'], tls => ["*.$DynProxy::DOMAIN"], tls_proxied => $marked,
    conf => { access_log => qq("$logs/access"), access_log_format => 'json', https_redirect => 'off',
        client_address_for => '{ alpha }', request_body_max => '100k' });
my $backend = $proxy->backend(text => 'hello');
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'registered';

my ($status, $out) = $proxy->curl('alpha', '/x', '-i');
is $status, 0, 'curl is content with the certificate';
like $out, qr/hello/, 'and served';
like $out, qr/^strict-transport-security: max-age=31622400\r$/im, 'told to come by TLS again';

my (undef, @said) = run_command('openssl', 's_client', '-connect', "127.0.0.1:$proxy->{https_port}",
    '-servername', $proxy->host('alpha'), '-alpn', 'spdy/3');
like "@said", qr/alert no application protocol/, 'a client that speaks nothing of ours is told so';

# --- what cannot be understood is answered as what can
my %bad = ('a method with a blank' => [400, '-X', 'G T'], 'too large a field' => [431, '-H', 'X: ' . 'x' x 20000],
    'no such host' => [400, '-H', 'Host: a?b']);
for my $version (qw(1.1 2)) {
    for my $what (sort keys %bad) {
        my ($expected, @options) = @{ $bad{$what} };
        (undef, $out) = $proxy->curl('alpha', '/', "--http$version", '-i', @options);
        like $out, qr{^HTTP/$version $expected }, "HTTP/$version, $what: $expected";
        like $out, qr/^strict-transport-security: max-age=31622400\r$/im, 'and told to come by TLS';
    }
}
like $proxy->raw("G T / HTTP/1.1\r\n\r\n"), qr/\A(?!.*strict-transport)HTTP.1.1 400/is, 'but not without TLS';

# --- the log tells how it came
sub logged {
    my ($what) = @_;
    my $line;
    eventually(sub { ($line) = grep { /$what/ } DynProxy::slurp("$logs/access") =~ /^.*\n/mg; $line });
    return decode_json($line // '{}');
}
$proxy->curl('alpha', '/one', '--http1.1', '--tlsv1.3', '--tls13-ciphers', 'TLS_AES_128_GCM_SHA256');
my $line = logged('/one');
is $line->{tls}, 'TLSv1.3 TLS_AES_128_GCM_SHA256 ' . $proxy->host('alpha'), 'the log: version, cipher, name';
is $line->{proto}, 'h1', 'and HTTP/1';
$proxy->curl('alpha', '/two', '--http2', '--tls-max', '1.2', '--ciphers', 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384');
$line = logged('/two');
like $line->{tls}, qr/^TLSv1.2 ECDHE-\w+-AES256-GCM-SHA384 \Q${\$proxy->host('alpha')}\E$/, 'of TLS 1.2';
is $line->{proto}, 'h2', 'or HTTP/2';
$proxy->get('alpha', '/three');
is logged('/three')->{tls}, undef, 'no TLS';

# --- by somebody else's TLS: what is said, answered and ended
# Returns the answer; undef: it was cut.
sub say_tls {
    my ($port, $before, @bytes) = @_;
    my $input = File::Temp->new;
    print $input @bytes;
    close $input;
    my ($status, $answer) = run_command('sh', '-c', 'exec "$@" <"$0"', "$input", "$FindBin::Bin/tls_say.py", $port,
        $proxy->host('alpha'), $proxy->ca->file, $before // ());
    return $status == 0 ? $answer : undef;
}
my $host = 'Host: ' . $proxy->host('alpha') . "\r\n";
my $last = "${host}Connection: close\r\n\r\n";
$out = say_tls($proxy->{https_port}, undef, "GET /bytes/10 HTTP/1.1\r\n$host\r\n" x 3, "GET /bytes/10 HTTP/1.1\r\n$last");
is scalar(() = $out =~ /^0123456789/mg), 4, 'a pipeline of four';
$out = say_tls($proxy->{https_port}, undef, "POST /discard HTTP/1.1\r\n${host}Content-Length: 8000000\r\n\r\n", 'x' x 8_000_000);
like $out, qr/^X-Dynproxy-Error: body-too-large\r$/m, 'too large a body: told so, while it still comes';
is say_tls($proxy->{https_port}, undef, "GET /cut/100 HTTP/1.1\r\n$last"), undef, 'a cut answer has no clean end';
(undef, $out) = $proxy->curl('alpha', '/bytes/100000', '-H', 'Accept-Encoding: gzip', '-o', '/dev/null', '-w', '%{size_download}');
my (undef, $plain) = $proxy->curl('alpha', '/bytes/100000');
(undef, my $unpacked) = $proxy->curl('alpha', '/bytes/100000', '--compressed');
cmp_ok $out, '<', 10000, 'compressed';
is $unpacked, $plain, 'to what it was';

# --- new keys, which bring nothing and cost us as much as requests
sub renewing { (run_command("$FindBin::Bin/renew_keys.py", $proxy->{https_port}, $proxy->host('alpha'), @_))[1] }
like renewing(100),  qr/^proxy ok!$/m, 'a client that renews its keys is served';
is renewing(100_000), '', 'one that does nothing else is not';

# --- behind a balancer that passes TLS on
is say_tls($marked, "PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n", "GET /head HTTP/1.1\r\n$last") =~ /^X-Forwarded-For: (.*)\r$/m && $1,
    '192.0.2.7', 'TLS behind a PROXY header';
is say_tls($marked, undef, "GET / HTTP/1.1\r\n$last"), undef, 'none: closed';
done_testing;
