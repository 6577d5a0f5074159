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
chmod 0777, $logs;    # the logger is a user of its own
my $proxy = DynProxy->new(tools => ['alpha'], tls => ["*.$DynProxy::DOMAIN"],
    conf => { access_log => qq("$logs/access"), access_log_format => 'json' });
my $backend = $proxy->backend(text => 'hello');
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'registered';

my ($status, $out) = $proxy->curl('alpha', '/x', '-i');
is $status, 0, 'curl is content with the certificate';
like $out, qr/hello/, 'and served';
like $out, qr/^strict-transport-security: max-age=31622400\r$/im, 'told to come by TLS again';

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
    eventually(sub { ($line) = grep { /$what/ } split /\n/, DynProxy::slurp("$logs/access"); $line });
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
done_testing;
