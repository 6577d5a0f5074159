# The 8282 protocol: every line gets the answer that is promised, and none
# blocks or ends the registrar (1-registration.md 1.1).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use JSON::PP;

my $proxy = DynProxy->new(
    tools => [qw(alpha beta)],
    conf  => { registration_timeout => '2s', routes_per_tool_max => 8 },
);
my $backend = $proxy->backend(count => 2);
my $url     = $backend->url;

is $proxy->register('alpha', '.*', $url), 'ok', 'register';
is $proxy->get('alpha', '/')->body, 'backend ' . $backend->port . "\n", 'is routed when ok is read';
is $proxy->register('alpha', '.*', $backend->url(1), 'registerCanonical'), 'ok', 'again, elsewhere';
is $proxy->get('alpha', '/')->body, 'backend ' . $backend->port(1) . "\n", 'replaces';
is $proxy->register('alpha', '/api/.*', $url), 'ok', 'a second route';
is $proxy->get('alpha', '/api/x')->body, 'backend ' . $backend->port . "\n", 'goes to its own backend';
is $proxy->get('alpha', '/')->body, 'backend ' . $backend->port(1) . "\n", 'and the first stays';
is $proxy->get('beta', '/')->status, 404, "another tool's name is nobody's";
is $proxy->unregister('beta', '.*'), 'ok', 'unregister of what is not there';
is $proxy->unregister('alpha', '/api/.*'), 'ok', 'unregister';
is $proxy->get('alpha', '/api/x')->body, 'backend ' . $backend->port(1) . "\n", 'leaves the rest';

# what, lines, reply
my @bad = (
    ['an unknown command', ['registr', '.*', $url],                       qr/^fail$/],
    ['an upper case one',  ['REGISTER', '.*', $url],                      qr/^fail$/],
    ['no URL',             ['register', '.*', 'here'],                    qr/^fail: ./],
    ['another scheme',     ['register', '.*', 'ftp://127.0.0.1:5000'],    qr/^fail: ./],
    ['a host name',        ['register', '.*', 'http://localhost:5000'],   qr/^fail: ./],
    ['a low port',         ['register', '.*', 'http://127.0.0.1:22'],     qr/^fail: ./],
    ['no port number',     ['register', '.*', 'http://127.0.0.1:65536'],  qr/^fail: ./],
    ['user and password',  ['register', '.*', 'http://a:b@127.0.0.1:5000'], qr/^fail: ./],
    ['an octal address',   ['register', '.*', 'http://0177.0.0.1:5000'],  qr/^fail: ./],
    ['another network',    ['register', '.*', 'http://192.0.2.1:5000'],   qr/^fail: ./],
    ['metadata service',   ['register', '.*', 'http://169.254.169.254:8000'], qr/^fail: ./],
    ['no regex',           ['register', '(', $url],                       qr/^fail: ./],
    ['an empty route',     ['register', '', $url],                        qr/^fail: ./],
    ['a NUL',              ["register", ".*\0", $url],                    qr/^fail: ./],
    ['a long line',        ['register', 'a' x 2000, $url],                qr/^fail: ./],
);
is $proxy->unregister('alpha', $_), 'ok', "unregister of \"$_\", which nobody can register"
    for '(', '/a b', '', "/\xe4";
like $proxy->unregister('alpha', 'a' x 2000), qr/^fail: ./, 'a long line is refused here, too';
like $proxy->unregister('alpha', "/a\t"), qr/^fail: ./, 'and a control character';
for my $case (@bad) {
    my ($what, $lines, $reply) = @$case;
    like $proxy->say_lines('alpha', @$lines), $reply, "$what is refused";
}
is $proxy->say_lines('alpha', map { "$_\r" } 'register', '/cr', $url), 'ok', 'CRLF is fine, too';
is $proxy->unregister('alpha', '/cr'), 'ok', 'and gone again';

# Who says nothing holds up nobody, and is not waited for.
my $silent = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$proxy->{reg_port}", Proto => 'tcp');
is $proxy->register('beta', '.*', $url), 'ok', 'while another client is silent';
like DynProxy::converse($silent, 'regis'), qr/^(fail: .+|Identd .+)?$/, 'who is too slow is let go';

# One host without an identd, whatever it says: nobody is registered.
my $tcp = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$proxy->{reg_port}", Proto => 'tcp');
like DynProxy::converse($tcp, "register\n.*\n$url\n"),
    qr/^(Identd authentication failed\. Please contact an administrator|This service available only to tool accounts)$/,
    'over TCP ident decides';

for my $n (2 .. 8) {
    is $proxy->register('beta', "/$n/.*", $url), 'ok', "route $n";
}
like $proxy->register('beta', '/9/.*', $url), qr/^fail: /, 'one more than a tool may have';
is $proxy->register('beta', '/8/.*', $url), 'ok', 'replacing one is no new one';

my $answer = $proxy->admin('/list');
is $answer->header('Content-Type'), 'application/json', '/list is JSON';
my $list = decode_json($answer->body);
is_deeply $list, { map { $_ => { status => 'active' } } qw(alpha beta) }, '/list has both';
is $proxy->admin('/nothing')->status, 404, 'there is nothing else';

is $proxy->unregister('beta', '/8/.*'), 'ok', 'a route goes';
is $proxy->get('beta', '/8/x')->body, 'backend ' . $backend->port . "\n", 'what it had goes to ".*"';
my $eight = qr{name=beta route=/8/\.\*};
like $proxy->log, qr{route-registered $eight destination=\Q$url\E was=- by=tool}, 'the log has who and what';
like $proxy->log, qr{route-registered $eight destination=\Q$url\E was=\Q$url\E by=tool}, 'from where to where';
like $proxy->log, qr{route-unregistered $eight was=\Q$url\E by=tool}, 'to the end';

# What was acknowledged is served again after a crash of everything.
$proxy->abandon;    # kill -9 of them all
$proxy->start;
is $proxy->get('alpha', '/')->body, 'backend ' . $backend->port(1) . "\n", 'a route survives kill -9 of all processes';
is $proxy->get('beta', '/7/x')->status, 200, 'all of them do';
is $proxy->unregister('alpha', '.*'), 'ok', 'the last route goes';
my $stopped = $proxy->get('alpha', '/');
is $stopped->status, 503, 'the tool is stopped';
is $stopped->reason, 'tool-stopped', 'and the answer says so';
ok $stopped->header('retry-after'), 'with Retry-After';
is $proxy->get('never', '/')->status, 404, 'which is not the same as unknown';

done_testing;
