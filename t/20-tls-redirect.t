# Where TLS is spoken, a request without it is sent there, if its host is ours;
# nothing of a stranger's host is ever said again (2-http.md 2.1, step 1).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;

my $challenges = File::Temp->newdir;
chmod 0755, $challenges;
sub put_challenge {
    my ($name, $text) = @_;
    Certificates::write_file("$challenges/$name", $text);
}

my $log  = File::Temp->newdir;
chown $DynProxy::USER{logger}, -1, $log;
my %conf = (
    access_log      => qq("$log/access.log"),
    legacy_hosts    => '{ "tools.old.test" }',
    redirects       => '{ "was.test alpha.example.test", "*.gone.test *.here.test" }',
    trusted_proxies => '{ "127.0.0.2" }',
    acme_directory  => qq("$challenges"),
);
my ($proxy, $backend);
$proxy = DynProxy->new(tools => ['alpha'], workers => 2, tls => ["*.$DynProxy::DOMAIN"], conf => \%conf);
is $proxy->register('alpha', '.*', ($backend = $proxy->backend(text => 'hello'))->url), 'ok', 'registered';

sub ask {
    my ($method, $host, $target, $fields, $from) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $proxy->{http_port},
        LocalAddr => $from // '127.0.0.1', Proto => 'tcp') or die $!;
    return DynProxy::Response->new(DynProxy::converse($socket,
        "$method $target HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n" . ($fields // '') . "\r\n"), $method);
}
sub location { ask(@_)->header('Location') }
my $port = $proxy->{https_port};

is ask('GET', 'alpha.example.test', '/a?b=c')->status, 301, 'without TLS: sent to it';
is location('GET', 'alpha.example.test', '/a?b=c'), "https://alpha.example.test:$port/a?b=c", 'path and query stay';
is location('GET', "ALPHA.example.test.:80", '/'), "https://alpha.example.test:$port/", 'the name is normalised';
is location('HEAD', 'nobody.example.test', '/'), "https://nobody.example.test:$port/", 'any name of our domain';
is location('POST', 'alpha.example.test', '/'), "https://alpha.example.test:$port/", 'POST';
is location('OPTIONS', 'alpha.example.test', '*'), "https://alpha.example.test:$port/", 'OPTIONS *';
is location('GET', 'tools.old.test', '/alpha/'), "https://tools.old.test:$port/alpha/", 'a legacy host';
is location('GET', 'was.test', '/x'), "https://was.test:$port/x", 'the source of a redirect';
is location('GET', 'a.gone.test', '/x'), "https://a.gone.test:$port/x", 'and of one of names below';
is location('GET', 'alpha.example.test', '//evil.test/'), "https://alpha.example.test:$port//evil.test/", 'two slashes';

for my $host ('evil.test', '127.0.0.1', '[::1]', 'a b', '<script>', 'alpha.example.test@evil.test', "alpha.example.test\\.evil.test") {
    my $answer = ask('GET', $host, '/');
    is $answer->status, 400, "$host: 400";
    unlike $answer->{raw} // $answer->body, qr/\Q$host\E/, 'not said again';
}
ok eventually(sub { DynProxy::slurp("$log/access.log") =~ /^evil\.test .*" 400 /m }), 'but it is logged';
my $explained = $proxy->ctl_json('explain', 'http://evil.test/');
is $explained->{reason}, 'no-host', 'explain says so too';
is join(' ', map { "$_->{step}=$_->{result}" } @{ $explained->{steps} }[0, -1]), 'request=pass answer=refuse',
    'of a request that is understood';
is ask('GET', 'evil.test', '/.well-known/healthz')->body, 'proxy ok!', 'the health check is answered';
is ask('GET', 'alpha.example.test', '/', "X-Forwarded-Proto: https\r\n", '127.0.0.2')->body, 'hello',
    'a proxy of ours has it by TLS';
is ask('GET', 'alpha.example.test', '/', "X-Forwarded-Proto: https\r\n")->status, 301, 'nobody else may say so';
like +($proxy->curl('alpha', '/'))[1], qr/^hello/, 'with TLS: served';

# --- ACME
my $token = '/.well-known/acme-challenge/abc-DEF_123';
is ask('GET', 'alpha.example.test', $token)->status, 404, 'a challenge that is not there';
put_challenge('abc-DEF_123', 'abc-DEF_123.print');

# As many answers of that status as both workers give some of.
sub all_answer { my ($status) = @_; return !grep { ask('GET', 'alpha.example.test', $token)->status != $status } 1 .. 20 }
ok eventually(sub { all_answer(200) }), 'is there soon, in each worker';
is ask('GET', $_, $token)->body, 'abc-DEF_123.print', "for every host: $_" for qw(alpha.example.test anything.test);
like +($proxy->curl('alpha', $token))[1], qr/^abc-DEF_123.print$/, 'with TLS, too';
put_challenge('no.token', 'secret');
put_challenge('large', 'x' x 1025);
put_challenge('begun', '');
Certificates::write_file("$log/private", 'of root');    # whoever writes challenges may not read it
symlink "$log/private", "$challenges/symbolic" or die $!;
Certificates::write_file("$log/linked", 'of root');
system('cp', '-l', "$log/linked", "$challenges/hard") == 0 or die;
put_challenge('later', 'later.print');
ok eventually(sub { ask('GET', 'alpha.example.test', '/.well-known/acme-challenge/later')->status == 200 }),
    'one that is put there later';
for my $other ('no.token', '../first.pem', '%2e%2e/first.pem', 'large', 'begun', 'symbolic', 'hard', '', 'abc-DEF_123/') {
    is ask('GET', 'alpha.example.test', "/.well-known/acme-challenge/$other")->status, 404, "$other: nothing";
}
unlink "$challenges/abc-DEF_123";
ok eventually(sub { all_answer(404) }), 'what is gone is gone';
$proxy->stop;

# --- step by step
$proxy = DynProxy->new(tools => ['alpha'], tls => ["*.$DynProxy::DOMAIN"],
    conf => { https_redirect => 'get', https_redirect_status => 308 });
is $proxy->register('alpha', '.*', ($backend = $proxy->backend(text => 'hello'))->url), 'ok', 'registered';
is ask($_, 'alpha.example.test', '/')->status, 308, "$_ is redirected" for qw(GET HEAD);
is ask('POST', 'alpha.example.test', '/', "Content-Length: 0\r\n")->body, 'hello', 'POST is served';
done_testing;
