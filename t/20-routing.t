# Which backend a request goes to, by its host and path (2-http.md 2.2).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;    # no name server: who asks for a name is told at once that there is none
use DynProxy;
use RedisServer;

my $redis = RedisServer->new;
my $default;    # set below: its port has to be in the configuration

sub settings {
    my (%more) = @_;
    return {
        redis        => '"' . $redis->addr . '"',
        legacy_hosts => '{ "old.example.net" }',
        redirects    => '{ "ru_wiki.example.test ru-wiki.example.test", "moved.example.org www.example.org 308",'
            . ' "*.oldcloud.test *.cloud.test 302" }',
        %more,
    };
}

my $proxy = DynProxy->new(workers => 2, tools => [qw(alpha beta gamma gone)], conf => settings(),
    expect => qr{child-died registrar|redis-lost|redis-loss});

ok eventually(sub { $proxy->redis_status->{synced} }), 'Redis is read';

sub ask {
    my ($host, $path, $method) = @_;
    $method //= 'GET';
    return DynProxy::Response->new(
        $proxy->raw("$method $path HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n"), $method);
}

sub signature { "backend " . $_[0]->port($_[1]) . "\n" }

sub redirected {
    my ($host, $path, $status, $location, $what) = @_;
    my $answer = ask($host, $path);
    is $answer->status, $status, $what;
    is $answer->header('location'), $location, "  to $location";
    return $answer;
}

# --- the order of routes: exact, longest literal prefix, patterns by length, .*
my @patterns = ('.*', '/a.*', '/a/b.*', '/a/b', '/[a-z]+/b', '/[a-z]+/b/[0-9]+', '/[a-z]+/b/[0-8]+', '/c\.html');
my %served = (
    '/a/b'        => '/a/b',
    '/a/b/c'      => '/a/b.*',
    '/a/x'        => '/a.*',
    '/a'          => '/a.*',
    '/c/b'        => '/[a-z]+/b',
    '/c/b/7'      => '/[a-z]+/b/[0-8]+',    # as long as the other: byte order
    '/c/b/9'      => '/[a-z]+/b/[0-9]+',
    '/c.html'     => '/c\.html',
    '/c.html?q=1' => '/c\.html',
    '/cxhtml'     => '.*',
    '/x/c.html'   => '.*',                  # anchored at its start
    '/'           => '.*',
    '/?/a/b'      => '.*',
);
my $order = $proxy->backend(count => scalar @patterns);
my %port;
for my $i (0 .. $#patterns) {
    is $proxy->register('gamma', $patterns[$i], $order->url($i)), 'ok', "route $patterns[$i]";
    $port{ $patterns[$i] } = $order->port($i);
}
for my $path (sort keys %served) {
    is ask('gamma.example.test', $path)->body, "backend $port{ $served{$path} }\n", "$path: $served{$path}";
}

# --- the legacy host, and the web domain itself
my $backend = $proxy->backend(count => 4);
is $proxy->register('alpha', '.*', $backend->url(0)), 'ok', 'a tool';
is $proxy->register('beta', '.*', $backend->url(1), 'registerCanonical'), 'ok', 'a canonical one';
is $proxy->register('gone', '.*', $backend->url(2)), 'ok', 'one that leaves';
is $proxy->unregister('gone', '.*'), 'ok', '  left';
for my $host ('old.example.net', 'example.test', 'OLD.example.net.:80') {
    is ask($host, '/alpha/page')->body, signature($backend, 0), "$host/alpha/page is alpha";
    like ask($host, '/alpha/head?a=b')->status, qr/^200$/, '  whatever the path';
    my $domain = 'example.test';
    redirected($host, '/alpha',      307, '/alpha/',      "$host/alpha");
    redirected($host, '/alpha?a=/b', 307, '/alpha/?a=/b', '  with a query');
    redirected($host, '/beta/x/y?a=b', 307, "http://beta.$domain/x/y?a=b", "$host/beta/x/y: canonical");
    redirected($host, '/beta',  307, "http://beta.$domain/", '  without a path');
    redirected($host, '/beta?', 307, "http://beta.$domain/?", '  with an empty query');
    is ask($host, '/gone/')->reason, 'tool-stopped', '  a stopped tool is 503';
    is ask($host, $_)->status, 404, "  $_: no tool, no admin tool" for '/', '/nobody/x', '//alpha/', '/-x/', '/Alpha/';
}
like ask('alpha.example.test', '/beta/x')->body, qr/^backend /, 'on its own host a path is a path';
is ask('old.example.net', '/gamma/a/b')->body, "backend $port{'/a/b'}\n", 'routes are tried on the rest of the path';

is $proxy->ctl('add', 'admin', '.*', $backend->url(3)), 0, 'now there is an admin tool';
is ask('example.test', $_)->body, signature($backend, 3), "$_: the admin tool" for '/', '/nobody/x', '//alpha/', '/?alpha';
is ask('example.test', '/alpha/')->body, signature($backend, 0), 'others are where they were';

# the path goes on unchanged
is $proxy->ctl('add', 'echo', '/head.*', $backend->url(0)), 0, 'a tool that shows what it gets';
is ask('old.example.net', '/echo/other')->status, 404, 'a known tool without a route: not the admin tool';

# --- frontends: exact, one label deep, several backends
my $pool = $proxy->backend(count => 5);
$redis->cli('sadd', 'frontend:www.example.org', map { $pool->url($_) } 0 .. 2);
$redis->cli('sadd', 'frontend:*.example.org', $pool->url(3));
$redis->cli('sadd', 'frontend:there.cloud.test', $pool->url(4));
ok eventually(sub { ask('other.example.org', '/')->body eq signature($pool, 3) }), 'frontend:*.example.org';
ok eventually(sub { ask('there.cloud.test', '/')->status == 200 }), 'frontend:there.cloud.test';

my %seen;
ok eventually(sub { my $body = ask('www.example.org', '/')->body; grep { $body eq signature($pool, $_) } 0 .. 2 }), 'frontend:www.example.org';
ok eventually(sub { $seen{ ask('www.example.org', '/')->body }++; keys %seen == 3 }), 'three backends serve www.example.org';
is_deeply [sort keys %seen], [sort map { signature($pool, $_) } 0 .. 2], '  and no other';
like ask('www.example.org', '/head')->body, qr/^Host: www\.example\.org\r$/m, '  with Host passed on';
is ask($_, '/')->status, 404, "$_: no frontend" for 'example.org', 'a.b.example.org', 'cloud.test';

sub served {
    my ($host) = @_;
    my %by = map { ask($host, '/')->body => 1 } 1 .. 40;
    return join '', sort keys %by;
}
$redis->cli('srem', 'frontend:www.example.org', $pool->url(1));
ok eventually(sub { served('www.example.org') eq join '', sort map { signature($pool, $_) } 0, 2 }), 'one leaves';
$redis->cli('sadd', 'frontend:www.example.org', 'http://nowhere.example/', 'nonsense');
$redis->cli('sadd', 'frontend:www.example.org', map { $pool->url($_) } 1, 4);
ok eventually(sub { served('www.example.org') eq join '', sort map { signature($pool, $_) } 0, 1, 2, 4 }),
    'two come, and nonsense harms nobody';
$redis->cli('srem', 'frontend:www.example.org', map { $pool->url($_) } 1, 4);
my $left = join '', sort map { signature($pool, $_) } 0, 2;
ok eventually(sub { served('www.example.org') eq $left }), 'and go';

# a canonical tool of another node loses a route, not its mark
$redis->cli('hset', 'prefix:two', '.*', $pool->url(0), '/x', $pool->url(1));
$redis->cli('hset', 'redirect:two', '.*', 'two.example.test');
ok eventually(sub { ask('example.test', '/two/x')->status == 307 }), 'a canonical tool of another node';
$redis->cli('hdel', 'prefix:two', '/x');
ok eventually(sub { ask('two.example.test', '/x')->body eq signature($pool, 0) }), '  loses a route';
is $proxy->register('alpha', '.*', $backend->url(0)), 'ok', '  which is on disk by now';

my $registrar = $proxy->registrar_pid;
$redis->kill_hard;
kill 'KILL', $registrar;
ok eventually(sub { ($proxy->registrar_pid // $registrar) != $registrar }), 'a new registrar, and no Redis';
ok eventually(sub { !$proxy->ctl('status') }), '  answers';
is served('www.example.org'), $left, '  both backends are remembered';
is ask('example.test', '/two/x')->status, 307, '  and the mark is';
$redis->start;
$redis->cli('flushall');
ok eventually(sub { $proxy->redis_status->{synced} }), 'Redis is there again';
my $members = join ' ', sort map { $pool->url($_) } 0, 2;
ok eventually(sub { join(' ', sort split /\n/, $redis->cli('smembers', 'frontend:www.example.org')) eq $members }),
    '  and what it lost is written to it';

# --- redirects
redirected('ru_wiki.example.test', '/a?b', 301, 'http://ru-wiki.example.test/a?b', 'a name with an underscore');
redirected('MOVED.example.org:80', '//evil.example/', 308, 'http://www.example.org//evil.example/', 'with a status');
redirected('there.oldcloud.test', '/a', 302, 'http://there.cloud.test/a', 'a renamed domain, where the new name is');
is ask('nowhere.oldcloud.test', '/')->status, 404, 'not where it is not';
is ask('a.there.oldcloud.test', '/')->status, 404, 'nor below that';
my $moved = redirected('moved.example.org', '/', 308, 'http://www.example.org/', 'its page');
is $moved->header('cache-control'), 'max-age=3600', '  is kept for a while';
is $moved->header('content-length'), length $moved->body, '  has the length it says';
unlike $moved->body, qr/example/, '  and does not repeat the address';
my $head = ask('moved.example.org', '/', 'HEAD');
is $head->header('content-length'), length $moved->body, 'HEAD: the same length';
is $head->rest, '', '  and no page';
is ask('moved.example.org', '/' . 'a' x 8000)->status, 308, 'a long path fits';
for my $odd ('mov"ed.example.org', '<a>.example.test', 'moved.example.org:80:80', 'moved.example.org@evil', '[zz]', 'moved..org') {
    my $answer = ask($odd, '/');
    is $answer->status, 400, "$odd: refused";
    is $answer->header('location'), undef, '  and not repeated';
}

# --- 404, 503 and the default backend
is ask($_, '/')->reason, 'no-route', "$_: 404" for 'nobody.example.test', 'elsewhere.test', '10.0.0.1', '[::1]';
is ask('gone.example.test', '/')->reason, 'tool-stopped', 'a stopped tool: 503';
$proxy->stop;

$default = $proxy->backend(text => 'the default');
$proxy = DynProxy->new(tools => [qw(alpha gone away)], conf => settings(
    redis => 'none', admin_tool => '""', redirect_scheme => 'https', default_backend => '"' . $default->url . '"'),
    expect => qr{child-died registrar});
is $proxy->register('alpha', '/here.*', $backend->url(0)), 'ok', 'a tool';
is $proxy->register('gone', '.*', $backend->url(0)), 'ok', 'another';
is $proxy->unregister('gone', '.*'), 'ok', '  left';
my $away = $proxy->backend;
is $proxy->register('away', '.*', $away->url), 'ok', 'one more';
$away->stop;
is ask($_, '/')->body, 'the default', "$_: the default backend"
    for 'nobody.example.test', 'elsewhere.test', 'old.example.net', 'example.test', 'alpha.example.test';
is ask('alpha.example.test', '/here')->body, signature($backend, 0), 'a route is a route';
is ask('gone.example.test', '/')->reason, 'tool-stopped', 'a stopped tool is 503, not the default backend';
is ask('old.example.net', '/gone/')->reason, 'tool-stopped', '  on the legacy host too';
is ask('away.example.test', '/')->status, 503, 'nor is one whose server is away';
redirected('ru_wiki.example.test', '/', 301, 'https://ru-wiki.example.test/', 'redirect_scheme');
kill 'KILL', $proxy->registrar_pid;
ok eventually(sub { $proxy->registrar_pid && ask('elsewhere.test', '/')->body eq 'the default' }), 'a new registrar keeps it';
$default->stop;
my $down = ask('elsewhere.test', '/');
is $down->status, 502, 'the default backend is down: 502';
is $down->reason, 'default-backend-down', '  and says so';
$proxy->stop;

# --- default backends by name: another process asks the resolver
sub pid_of { ($proxy->pids($_[0]))[0] }
$default = $proxy->backend(text => 'by name');
my $port = $default->port;
$proxy = DynProxy->new(conf => settings(redis => 'none', default_backend => qq("http://localhost:$port")),
    expect => qr{child-died});
ok eventually(sub { ask('elsewhere.test', '/')->body eq 'by name' }), 'a default backend by name';
my ($before) = pid_of('lookup');
ok $before, 'lookup is a process';
kill 'KILL', $before;
ok eventually(sub { my $now = pid_of('lookup'); $now && $now != $before }), '  which is replaced';
is ask('elsewhere.test', '/')->body, 'by name', '  and nobody notices';
my $stopped = pid_of('lookup');
kill 'STOP', $stopped;
$before = $proxy->registrar_pid;
kill 'KILL', $before;
ok eventually(sub { my $now = $proxy->registrar_pid; $now && $now != $before }), 'a new registrar, and lookup is slow';
ok eventually(sub { !$proxy->ctl('list') }), '  answers';
my @bodies = map { ask('elsewhere.test', '/')->body } 1 .. 20;
is_deeply \@bodies, [('by name') x 20], '  keeps what was found';
kill 'CONT', $stopped;
$proxy->stop;

$proxy = DynProxy->new(conf => settings(redis => 'none',
    default_backend => qq({"http://no-such-name.invalid:80", "http://127.0.0.1:$port"})));
ok eventually(sub { $proxy->log =~ /lookup-failed name=no-such-name\.invalid/ }), 'a name that is none';
ok eventually(sub { ask('elsewhere.test', '/')->body eq 'by name' }), '  does not keep the others away';

done_testing;
