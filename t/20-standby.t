# `standby on` makes the health checks answer 503, on every worker and over a
# restart, so that the floating address goes; all else is served as before
# (4-operations.md 4.4), but nothing keeps a connection.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use JSON::PP;

my $proxy   = DynProxy->new(workers => 2, tools => ['alpha'], tls => ["*.$DynProxy::DOMAIN"], expect => qr/child-died/,
    conf => { https_redirect => '"off"' });
my $backend = $proxy->backend(text => 'hello');
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';

# of several: every worker is asked
sub health { my %seen; $seen{ $_->status }++ for map { $proxy->get('nobody', '/.well-known/healthz') } 1 .. 12; return join ' ', sort keys %seen }
sub ready { my $r = $proxy->admin('/readyz'); return $r ? $r->status . ' ' . $r->body : '' }

# connections that two requests need, one after the other
sub connections {
    my ($version) = @_;
    my (undef, $out) = $proxy->curl('alpha', '/', $version, '-w', ' %{http_code}+%{num_connects}', 'https://' . $proxy->host('alpha') . ":$proxy->{https_port}/");
    return join ' ', $out =~ /(\d+\+\d+)/g;
}

is connections($_), '200+1 200+0', "$_: a connection is kept" for '--http1.1', '--http2';
is health(), '200', 'it is healthy';
is ready(), "200 ready\n", 'and ready';
is $proxy->ctl('standby'), 0, 'standby';
is $proxy->out, "standby is off\n", 'is off';
is $proxy->ctl('standby', 'on'), 0, 'standby on';
is health(), '503', 'the health check fails, on every worker';
is $proxy->get('nobody', '/.well-known/healthz')->reason, 'draining', 'and says why';
is ready(), "503 standby\n", 'it is not ready';
is decode_json($proxy->admin('/readyz?verbose')->body)->{role}, 'standby', 'its role';
like $proxy->get('alpha', '/')->body, qr/hello/, 'requests are served';
is connections($_), '200+1 200+1', "$_: each on a connection of its own" for '--http1.1', '--http2';
is $proxy->register('alpha', '/more', $backend->url), 'ok', 'registrations taken';
is $proxy->ctl('standby', 'on'), 0, 'once more changes nothing';
is_deeply $proxy->ctl_json('standby'), { standby => JSON::PP::true }, 'as JSON';

kill 'KILL', $proxy->registrar_pid;
ok eventually(sub { ready() eq "503 standby\n" }), 'a new registrar knows it';
is health(), '503', 'so do the workers';
$proxy->stop;
$proxy->start;
is health(), '503', 'so does a new proxy';
is ready(), "503 standby\n", 'in all of its parts';

is $proxy->ctl('standby', 'off'), 0, 'standby off';
is connections($_), '200+1 200+0', "$_: a connection is kept again" for '--http1.1', '--http2';
is health(), '200', 'healthy again';
is ready(), "200 ready\n", 'ready again';
is $proxy->ctl('standby', 'off'), 0, 'once more changes nothing';
is $proxy->ctl('standby', 'maybe'), 2, 'on or off' or diag $proxy->err;
done_testing;
