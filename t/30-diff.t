# `dynproxyctl diff` tells two nodes that have the same from two that have not,
# and what each has (dynproxyctl(8)).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use RedisServer;

# Both have one Redis; while it is away each has what it was told itself.
my $redis = RedisServer->new;
my %nodes = map {
    $_ => DynProxy->new(tools => [qw(alpha beta)], conf => { redis => '"' . $redis->addr . '"', node_name => $_ }, expect => qr/redis-lost/)
} qw(one two);
my ($one, $two) = @nodes{qw(one two)};
my $there = "$two->{address}:$two->{admin_port}";
my $backend = $one->backend;

is $one->register('alpha', '.*', $backend->url), 'ok', 'a route';
ok eventually(sub { $one->ctl('diff', $there) == 0 }), 'soon they have the same' or diag $one->err;
is $one->out, "both have the same\n", 'says so';
is_deeply $one->ctl_json('diff', $there), { same_routes => JSON::PP::true, same_policy => JSON::PP::true }, 'as JSON';
is $two->ctl('diff', "$one->{address}:$one->{admin_port}"), 0, 'the other way round';

$redis->kill_hard;
is $one->register('beta', '/here/.*', $backend->url), 'ok', 'Redis is gone: a route on the one';
is $two->register('beta', '/there/.*', $backend->url), 'ok', 'another on the other';
is $one->ctl('diff', $there), 1, 'they differ';
is $one->out, "< beta /here/.* @{[$backend->url]}\n> beta /there/.* @{[$backend->url]}\n", 'in these';
is_deeply $one->ctl_json('diff', $there), { same_routes => JSON::PP::false, same_policy => JSON::PP::true,
    only_here => ["beta /here/.* @{[$backend->url]}"], only_there => ["beta /there/.* @{[$backend->url]}"] }, 'as JSON';
is $two->ctl('ban', '192.0.2.0/24'), 0, 'a ban on the other';
is $one->ctl('diff', $there), 1, 'they differ';
like $one->out, qr/^bans, blocks or maintenance differ$/m, 'in that, too';
$redis->start;
ok eventually(sub { $one->ctl('diff', $there) == 0 }, 20), 'Redis is back: they have the same';

is $two->ctl('standby', 'on'), 0, 'one that is on standby';
is $one->ctl('diff', $there), 0, 'can be compared';
for (['127.0.0.1:1', 3], ['', 2], ["$two->{address}:$two->{http_port}", 3]) {
    my ($node, $status) = @$_;
    is $one->ctl('diff', $node), $status, "\"$node\" is no node";
    like $one->err, qr/^dynproxyctl: .*: ..../, 'says why: ' . $one->err =~ s/\n//gr;
}
is $one->ctl('diff', $backend->addr), 3, 'nor is a web server';
like $one->err, qr/: its answer is no JSON$/m, 'which is said';

# whoever answers there has no say over the terminal
my $evil = $one->backend(text => '{"evil": {"routes": [{"pattern": ".*\u001b[2J\n", "destination": "\u009b2J\u00e9\u007f"}]}}');
is $one->ctl('diff', $evil->addr), 1, 'a node that has more than it should';
like $one->out, qr/^> evil \.\*\?\[2J\? \?2J\xc3\xa9\?$/m, 'is shown without what steers a terminal';
is $one->ctl('diff'), 2, 'a node has to be named';
done_testing;
