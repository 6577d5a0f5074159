# What `dynproxyctl explain` says of a URL is what then happens to the real
# request, by the access log: status, reason, backend (4-operations.md 4.2).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Temp;
use JSON::PP;
use RedisServer;

my $scratch = File::Temp->newdir;
chmod 0777, $scratch;
my $redis   = RedisServer->new;
my $default = DynProxy::Backend->new($DynProxy::BUILD, text => "the cluster\n");
my $proxy   = DynProxy->new(
    workers => 2,
    tools   => [qw(alpha beta closed gone stale)],
    expect  => qr/redis-loss/,
    conf    => {
        redis             => '"' . $redis->addr . '"',
        legacy_hosts      => '{ "old.example.net" }',
        redirects         => '{ "moved.example.org www.example.org 308", "*.oldcloud.test *.cloud.test 302" }',
        default_backend   => '"' . $default->url . '"',
        refuse_no_agent   => 'yes',
        access_log        => qq("$scratch/access.log"),
        access_log_format => '"json"',
        access_log_address => '"full"',
    },
);
my $backend = $proxy->backend(count => 4);
my $url = sub { $backend->url($_[0]) };
is $proxy->register('alpha', '.*',   $url->(0)), 'ok', 'alpha, everything';
is $proxy->register('alpha', '/api.*', $url->(1)), 'ok', 'alpha, a prefix';
is $proxy->register('alpha', '/exact', $url->(2)), 'ok', 'alpha, exactly';
is $proxy->register('alpha', '/r[0-9]+', $url->(3)), 'ok', 'alpha, a pattern';
is $proxy->say_lines('beta', 'registerCanonical', '.*', $url->(0)), 'ok', 'beta, canonical';
is $proxy->register('closed', '/only', $url->(0)), 'ok', 'a tool with one path';
is $proxy->register('gone', '.*', $url->(0)), 'ok', 'one that will be gone';
is $proxy->unregister('gone', '.*'), 'ok', 'and is';
ok eventually(sub { my $s = $proxy->ctl_json('status'); $s && $s->{registrar}{redis}{synced} }), 'Redis is read';
$redis->cli('sadd', 'frontend:www.example.com', $url->(1));
$redis->cli('sadd', 'frontend:*.wild.example.com', $url->(2));
$redis->cli('sadd', 'frontend:there.cloud.test', $url->(3));
ok eventually(sub { $proxy->ctl('explain', 'http://there.cloud.test/') == 0 && $proxy->out =~ /=> proxy/ }), 'domain proxies are there';
is $proxy->ctl('ban', '127.0.0.9'), 0, 'an address is banned';
is $proxy->ctl('block', 'agent', 'EvilBot'), 0, 'a User-Agent is blocked';
is $proxy->ctl('maintenance', 'on', 'stale'), 0, 'a tool is in maintenance';

# whole ones: of a write that crosses a page the first part is there before
sub lines { my @all = DynProxy::slurp("$scratch/access.log") =~ /^.*\n/mg; return @all }
sub line_after {
    my ($n) = @_;
    my @all;
    eventually(sub { (@all = lines()) > $n });
    return decode_json($all[-1]);
}
# The harness asked until it was there: all of that is written before we look.
sub responses { my $all = $proxy->metrics; my $n = 0; $n += $all->{$_} for grep { /^dynproxy_http_requests_total\{/ } keys %$all; return $n }
ok eventually(sub { lines() == responses() }), 'the log is as long as it has to be';

# host, path => from which address, by which program
my @urls = (
    ['alpha.example.test', '/'],                  ['alpha.example.test', '/api/x?y'],
    ['alpha.example.test', '/exact'],             ['alpha.example.test', '/r12'],
    ['ALPHA.example.test.:80', '/exact?q'],       ['beta.example.test', '/'],
    ['closed.example.test', '/only'],             ['closed.example.test', '/other'],
    ['gone.example.test', '/'],                   ['stale.example.test', '/'],
    ['nobody.example.test', '/'],                 ['old.example.net', '/alpha/api'],
    ['old.example.net', '/beta/x?y'],             ['old.example.net', '/'],
    ['www.example.com', '/a'],                    ['x.wild.example.com', '/a'],
    ['x.y.wild.example.com', '/a'],               ['moved.example.org', '/a?b'],
    ['there.oldcloud.test', '/a'],                ['else.oldcloud.test', '/a'],
    ['alpha.example.test', '/.well-known/healthz'],
    ['alpha.example.test', '/', '127.0.0.9'],     ['alpha.example.test', '/', '127.0.0.1', 'EvilBot/1.0'],
    ['-bad-.example.test', '/'],                  ['a?x', '/'],
);
for (@urls) {
    my ($host, $path, $client, $agent) = @$_;
    my $what = "$host$path" . ($client ? " from $client" : '') . ($agent ? " by $agent" : '');
    my @with = (($client ? ('--client', $client) : ()), ($agent ? ('--agent', $agent) : ()));
    my $said = $proxy->ctl_json('explain', "http://$host$path", @with);
    ok $said, "$what: explained" or diag $proxy->err;

    my $before = () = lines();
    my $socket = IO::Socket::INET->new(PeerAddr => $proxy->{address}, PeerPort => $proxy->{http_port}, LocalAddr => $client // '127.0.0.1');
    my $asked = $agent // 'Mozilla/5.0';
    my ($authority, $target) = $host eq 'a?x' ? ('a', '/?x/') : ($host, $path);
    my $answer = DynProxy::Response->new(DynProxy::converse($socket,
        "GET $target HTTP/1.1\r\nHost: $authority\r\nUser-Agent: $asked\r\nConnection: close\r\n\r\n"));
    my $log = line_after($before);
    is $said->{status} // 200, $answer->status, "$what: the status";
    is $said->{reason} // '-', $log->{reason} // '-', '  the reason';
    is $said->{location}, $answer->header('location'), '  the location';
    if ($said->{action} eq 'proxy') {
        my ($to) = $said->{backends}[0] =~ m{://(.*)};
        is $log->{backend}, $to, '  the backend';
    }
    else {
        ok !$log->{backend}, '  no backend';
    }
}

# it says how, too
is $proxy->ctl('explain', 'alpha.example.test/r12'), 0, 'explain';
like $proxy->out, qr/^route +pass over +exactly \/exact: 1 backend$/m, 'a route that does not match';
like $proxy->out, qr/^route +match +the pattern \/r\[0-9\]\+: 1 backend$/m, 'the one that does';
like $proxy->out, qr/^=> proxy to http:\/\/127\.0\.0\.1:\d+$/m, 'and where it goes';
isnt $proxy->ctl('explain', 'x', '--client', 'nobody'), 0, 'a bad address';
like $proxy->err, qr/"nobody" is no IP address/, 'is told';
isnt $proxy->ctl('explain', 'x', '--what', 'y'), 0, 'a bad option';
like $proxy->err, qr/usage: dynproxyctl explain/, 'is told';

# --- with TLS, which comes before all else
my $challenges = File::Temp->newdir;
chmod 0755, $challenges;
my $tls = DynProxy->new(workers => 1, tools => [qw(alpha beta)], tls => ['*.example.test'],
    conf => { acme_directory => qq("$challenges"), client_address_for => '{ "beta" }' });
is $tls->register($_, '.*', $backend->url), 'ok', "$_, by TLS" for qw(alpha beta);
my $plain = $tls->ctl_json('explain', 'http://alpha.example.test/a?b');
my $moved = $tls->get('alpha', '/a?b');
is "$plain->{status} $plain->{location}", $moved->status . ' ' . $moved->header('location'), 'without TLS: sent to it';
is $plain->{steps}[-2]{step}, 'tls', '  before anybody looks whom it is for';
is $tls->ctl_json('explain', $_)->{action}, 'proxy', "$_: served" for 'https://alpha.example.test/', 'alpha.example.test';
is $tls->ctl_json('explain', 'http://alpha.example.test/.well-known/acme-challenge/x')->{action}, 'challenge', "ACME's";
is $tls->ctl('explain', 'https://beta.example.test/x', '--client', '192.0.2.7'), 0, 'for people';
like $tls->out, qr/^listener +pass +127\.0\.0\.1:$tls->{https_port}$/m, 'where it comes in';
like $tls->out, qr/^backend +may serve +\Q@{[$backend->url]}\E, by tool, proof: none$/m, 'what serves it';
my (undef, $heard) = $tls->curl('beta', '/head?q');
$tls->ctl('explain', 'https://beta.example.test/head?q', '--client', '127.0.0.1');
my %said = map { /^(X-\S+): (.*)/ ? ($1 => $2) : () } split /, /, ($tls->out =~ /^headers +add +(.*)/m)[0];
is scalar(keys %said), 5, 'which fields it gets';
like $heard, qr/^$_: \Q$said{$_}\E\r?$/m, "  $_, as it does" for sort keys %said;
$tls->ctl('explain', 'https://alpha.example.test/');
like $tls->out, qr/no client address$/m, 'a tool that is not told who asks';
done_testing;
