# Clients are served over TLS as over TCP, with the certificate of the name
# that they ask for (2-http.md 2.4).
use v5.26;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;

my $proxy = DynProxy->new(tools => ['alpha'], tls => ["*.$DynProxy::DOMAIN"]);
my $backend = $proxy->backend(text => 'hello');
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'registered';

my ($status, $out) = $proxy->curl('alpha', '/x', '-i');
is $status, 0, 'curl is content with the certificate';
like $out, qr/hello/, 'and served';
like $out, qr/^strict-transport-security: max-age=31622400\r$/im, 'told to come by TLS again';
done_testing;
