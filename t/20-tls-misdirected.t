# A request for a site that the connection's certificate does not cover, while
# another of ours does, is sent away; no other is (RFC 9110 section 15.5.20,
# RFC 9113 section 9.1.1).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;

my $proxy = DynProxy->new(tools => ['alpha', 'beta'], tls => ["*.$DynProxy::DOMAIN"],
    conf => { https_redirect => 'off', trusted_proxies => '{ "127.0.0.9" }' });
my $backend = $proxy->backend(text => 'hello');
is $proxy->register($_, '.*', $backend->url), 'ok', $_ for qw(alpha beta);
my ($alpha, $beta, $port) = ($proxy->host('alpha'), $proxy->host('beta'), $proxy->{https_port});

# narrow.test has a certificate of its own, and is in another's, of another kind.
$proxy->ca->pair('other',  names => ['other.test', 'also.test']);
$proxy->ca->pair('wide',   names => ['wide.test', 'narrow.test']);
$proxy->ca->pair('narrow', names => ['narrow.test'], key => 'rsa');

# What curl(1) writes, with a connection for that name.
sub ask {
    my ($name, @options) = @_;
    return (run_command('curl', '-sS', '--cacert', $proxy->ca->file, '--noproxy', '*', '--max-time', 20,
        '--resolve', "$name:$port:127.0.0.1", @options, "https://$name:$port/"))[1];
}
for (['other.test'], ['wide.test'], ['narrow.test', '--tls-max', '1.2', '--ciphers', 'ECDHE-RSA-AES128-GCM-SHA256']) {
    my ($name, @kind) = @$_;
    ok eventually(sub { ask($name, '-w', '%{http_code}', '-o', '/dev/null', @kind) eq '404' }), "a certificate for $name";
}

ok eventually(sub { ($proxy->metrics->{'dynproxy_tls_reloads_total{result="ok"}'} // 0) >= 1 }), 'which the metrics tell';

for my $version (qw(1.1 2)) {
    for (['another site'               => $alpha, 'other.test', 421],
        ['the other way round'         => 'other.test', $alpha, 421],
        ['one certificate for both'    => $alpha, $beta, 200],
        ['both names are in it'        => 'other.test', 'also.test', 404],
        ['one of it is in another too' => 'wide.test', 'narrow.test', 404],
        ['for which there is none'     => $alpha, 'nobody.test', 404],
        ['itself, written otherwise'   => $alpha, uc "$alpha.", 200],
        ['no name, an address only'    => '127.0.0.1', 'other.test', 404, '-k'],
        ['from a proxy of our own'     => $alpha, 'other.test', 404, '--interface', '127.0.0.9']) {
        my ($what, $name, $host, $status, @options) = @$_;
        my $answer = ask($name, '-i', "--http$version", '-H', "Host: $host", @options);
        like $answer, qr{^HTTP/$version $status\b}, "HTTP/$version, $what: $status";
        is $answer =~ /^x-dynproxy-error: misdirected\r$/im ? 1 : 0, $status == 421 ? 1 : 0, '  is that the reason?';
    }
}

# --- and the connection
for (['2', "421 1\n200 0\n", 'goes on'], ['1.1', "421 1\n200 1\n", 'ends']) {
    my ($version, $want, $what) = @$_;
    my @each = ('-sS', '--cacert', $proxy->ca->file, '--noproxy', '*', '--max-time', 20, '--resolve', "$alpha:$port:127.0.0.1",
        "--http$version", '-o', '/dev/null', '-w', '%{http_code} %{num_connects}\n');
    my (undef, $out) = run_command('curl', @each, '-H', 'Host: other.test', "https://$alpha:$port/", '--next', @each, "https://$alpha:$port/");
    is $out, $want, "HTTP/$version: it $what";
}
done_testing;
