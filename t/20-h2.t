# HTTP/2 is HTTP: what a tool gets and answers is the same (2-http.md 2.4).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Temp;
use IO::Handle;
use IPC::Open2;

my $logs = File::Temp->newdir;
chmod 0777, $logs;    # the logger is a user of its own
my $proxy = DynProxy->new(tools => [qw(alpha gone plain)], tls => ["*.$DynProxy::DOMAIN"],
    conf => { access_log => qq("$logs/access"), drain_timeout => '40s' });
my $pid = open2(my $said, my $say, "$FindBin::Bin/h2_client.py");
$say->autoflush(1);
chomp(my $port = <$said>);
is $proxy->register($_, '.*', "http://127.0.0.1:$port"), 'ok', 'a backend' for qw(alpha gone);
print $say "$proxy->{https_port}\n";
chomp(my @lines = <$said>);
cmp_ok scalar @lines, '>=', 44, 'every promise was looked at';
like $_, qr/^ok/, $_ =~ s/^(?:not )?ok //r for @lines;
waitpid $pid, 0;

# --- who leaves ends the connection, and seldom a stream before that
my $errors = sub { $proxy->metrics->{qq(dynproxy_errors_total{tool="gone",reason="$_[0]"})} // 0 };
ok eventually(sub { $errors->('client-gone') == 3 }, 10), 'that three clients have left is counted, as with HTTP/1.1';
is $errors->('bad-request'), 1, 'and that one was wrong';
ok eventually(sub { DynProxy::slurp("$logs/access") =~ m{^gone\S* .*"GET /least HTTP/2\.0" 200 1000 }m }),
    'the log has all that one was sent' or diag DynProxy::slurp("$logs/access") =~ m{^(gone.*/least.*)}m;

my $metrics = $proxy->metrics;
is join(' ', grep { /reason="internal"/ && $metrics->{$_} } keys %$metrics), '', 'and nothing was a fault of ours';

# --- curl and nghttp2's own clients
my $backend = $proxy->backend(text => 'hello');
is $proxy->register('plain', '.*', $backend->url), 'ok', 'a tool';
my ($status, $out) = $proxy->curl('plain', '/', '--http2', '-o', '/dev/null', '-w', '%{http_version} %{http_code}');
is $out, '2 200', 'curl speaks HTTP/2';
(undef, $out) = $proxy->curl('plain', '/', '--http1.1', '-w', ' %{http_version}');
is $out, 'hello 1.1', 'or HTTP/1.1, as it likes';
(undef, $out) = $proxy->curl('plain', '/chunked/1000000', '--http2', '-w', '%{size_download}', '-o', '/dev/null');
is $out, 1000000, 'a large body';
my $upload = File::Temp->new;
print $upload 'x' x 3_000_000;
close $upload;
(undef, $out) = $proxy->curl('plain', '/discard', '--http2', '--data-binary', "\@$upload");
like $out, qr/^3000000$/, 'a large upload';
(undef, $out) = $proxy->curl('plain', '/nonsense', '--http2', '-i');
like $out, qr{^HTTP/2 502.*^x-dynproxy-error: backend-bad-response}ms, 'pages of our own';
like $out, qr/^strict-transport-security:/m, 'with the fields that the zone has';
($status, $out) = $proxy->curl('plain', '/cut/100', '--http2');
is $status, 92, 'curl sees that a body was cut';

my $url = "https://127.0.0.1:$proxy->{https_port}";
(undef, $out) = run_command('h2load', '-n', 5000, '-c', 5, '-m', 50, '-H', ':authority: ' . $proxy->host('plain'), "$url/bytes/3000");
like $out, qr/5000 succeeded, 0 failed, 0 errored/, 'h2load: 5,000 requests, 250 at a time';
($status, $out) = run_command('nghttp', '-nv', '-m', 20, '-H', ':authority: ' . $proxy->host('plain'), "$url/");
is scalar(() = $out =~ /recv HEADERS.*\n.*\n?/g), 20, 'nghttp: 20 responses on a connection' or diag $out;

ok eventually(sub { DynProxy::slurp("$logs/access") =~ m{"GET /chunked/1000000 HTTP/2\.0" 200 1000000 } }),
    'the access log says HTTP/2.0';

ok eventually(sub { (run_command('ss', '-Htn', "sport = :$proxy->{https_port}"))[1] !~ /ESTAB|CLOSE-WAIT/ }),
    'who has left is forgotten';

# --- the end
$pid = open2($said, $say, "$FindBin::Bin/h2_client.py", 'drain');
$say->autoflush(1);
chomp($port = <$said>);
is $proxy->register('alpha', '.*', "http://127.0.0.1:$port"), 'ok', 'a backend';
print $say "$proxy->{https_port}\n";
is scalar <$said>, "there\n", 'a request under way';
$proxy->stop;
chomp(@lines = <$said>);
is scalar @lines, 6, 'every promise was looked at';
like $_, qr/^ok/, $_ =~ s/^(?:not )?ok //r for @lines;
waitpid $pid, 0;
done_testing;
