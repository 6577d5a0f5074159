# What was struck is remembered as long as there are not too many of these; then
# the oldest are forgotten, by all nodes alike: one that was away does not bring
# them back, and what it said meanwhile is kept (4-operations.md 4.4).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use RedisServer;
use Time::HiRes qw(time);

use constant { KEPT => 4096, MANY => 7000 };

my $redis = RedisServer->new;
my %nodes;
for my $name (qw(one two)) {
    $nodes{$name} = DynProxy->new(
        tools  => ['alpha'],
        conf   => { redis => '"' . $redis->addr . '"', node_name => $name },
        expect => qr/redis-lost|redis-loss/,
    );
}
my ($one, $two) = @nodes{qw(one two)};

sub said { $redis->cli('hget', 'dynproxy:policy', $_[0]) // '' }
sub holds { my ($node, $subject) = @_; scalar grep { $_->{subject} eq $subject } @{ $node->ctl_json('bans') } }
sub number { my ($text, $name) = @_; $text =~ /^\Q$name\E[:=](?:calls=)?(\d+)/m ? $1 : 0 }
sub writes { my $said = $redis->cli('info', 'commandstats'); number($said, 'cmdstat_hset') + number($said, 'cmdstat_hdel') }

is $one->ctl('ban', '192.0.2.0/24'), 0, 'a ban';
ok eventually(sub { holds($two, '192.0.2.0/24') }), 'on both';
$redis->kill_hard;
ok eventually(sub { !$two->ctl_json('status')->{registrar}{redis}{connected} }), 'Redis is away';
is $two->ctl('ban', '198.51.100.0/24'), 0, 'two has another, which nobody hears of';
$two->stop;
$redis->start;
ok eventually(sub { said('ban:192.0.2.0/24') =~ / 0$/ }), 'Redis is back, two away';
is $one->ctl('unban', '192.0.2.0/24'), 0, 'the ban ends';
ok eventually(sub { said('ban:192.0.2.0/24') =~ /^(\d+) \1$/ }), 'which is remembered';

# somebody writes what one then mends, again and again
my $begun = time;
for (1 .. 4) {
    $redis->cli('hset', 'dynproxy:policy', 'ban:192.0.2.0/24', 'nonsense');
    ok eventually(sub { said('ban:192.0.2.0/24') =~ /^(\d+) \1$/ }), "it is mended $_ times";
}
cmp_ok time - $begun, '>=', 1.9, 'once in a second';

# as if an operator's script had gone on and on
my $from = int(time * 1000) + 1000;
$redis->cli('eval', 'for i = 1, tonumber(ARGV[2]) do local at = string.format("%d", ARGV[1] + i) '
    . 'redis.call("hset", KEYS[1], string.format("ban:10.0.%d.%d/32", math.floor(i / 256), i % 256), at .. " " .. at) end',
    1, 'dynproxy:policy', $from, MANY);
sub left { $redis->cli('hlen', 'dynproxy:policy') }
sub stir { my ($node) = @_; $node->ctl('ban', '203.0.113.1'); $node->ctl('unban', '203.0.113.1') }    # a round
ok eventually(sub { stir($one); left() <= KEPT + KEPT / 4 + 8 }, 60), 'of so many the most are forgotten' or diag left();
cmp_ok left(), '>=', KEPT, 'not all of them';
ok eventually(sub { stir($one); said('ban:192.0.2.0/24') eq '' }, 60), 'the oldest among these';
ok said('ban:10.0.' . int(MANY / 256) . '.' . MANY % 256 . '/32'), 'not the latest';
my $far = said('forgotten:ban');
like $far, qr/^\d+ 0$/, 'and it stands there how far';

# two's clock has been ahead
my $hours = int(time * 1000) + 7_200_000;
my ($status, undef, $error) = DynProxy::run_command('sqlite3', "$two->{dir}/state/routes.sqlite",
    "insert into policy (kind, subject, since_ms, until_ms) values ('ban', '198.18.0.0/15', $hours, 0)");
is $status, 0, 'two has a ban from the future' or diag $error;
$two->start;
ok eventually(sub { !holds($two, '192.0.2.0/24') }, 30), 'two hears that its ban has ended';
ok eventually(sub { holds($one, '198.51.100.0/24') }, 30), 'and tells what it said meanwhile';
is said('ban:192.0.2.0/24'), '', 'it does not bring the old one back';
ok holds($two, '198.51.100.0/24'), 'nor loses its own';
ok holds($two, '198.18.0.0/15'), 'not even that from the future';
is said('ban:198.18.0.0/15'), '', 'of which it does not tell yet';
is $two->ctl('ban', '198.18.0.0/15', '--for', '10m'), 0, 'its operator says more of that';
is $two->ctl('ban', '203.0.113.9'), 0, 'and of something else';
ok eventually(sub { said('ban:203.0.113.9/32') =~ / 0$/ }), 'the second is told';
is said('ban:198.18.0.0/15'), '', 'the first, which nobody would believe, is not';
ok eventually(sub {
    my $before = writes();
    stir($two);
    return eventually(sub { said('ban:203.0.113.1/32') =~ /^(\d+) \1$/ }) && writes() - $before < 20;
}, 60), 'the nodes do not write the same again and again';
cmp_ok left(), '<=', KEPT + KEPT / 4 + 8, 'and what one has forgotten the other does not write';

# all is lost there but what nodes know
$redis->cli('del', 'dynproxy:policy');
ok eventually(sub { said('ban:198.51.100.0/24') =~ / 0$/ && said('forgotten:ban') =~ / 0$/ }, 30), 'what is lost in Redis comes back';
ok holds($_, '198.51.100.0/24'), 'and nobody took the loss for a word' for $one, $two;

# Redis takes no word of one
ok eventually(sub { time * 1000 > $from + MANY + 1 }), 'all that was forgotten is in the past';
$redis->cli('acl', 'setuser', 'default', '-eval');
is $one->ctl('ban', '198.51.100.7'), 0, 'a ban that does not come there';
$redis->cli('hset', 'dynproxy:policy', 'ban:198.51.100.8/32', int(time * 1000) . ' 0');
ok eventually(sub { holds($one, '198.51.100.8/32') }), 'one that does';
$one->stop;
$redis->cli('hset', 'dynproxy:policy', 'forgotten:ban', int(time * 1000) . ' 0');
$redis->cli('acl', 'setuser', 'default', '+eval');
$one->start;
ok eventually(sub { said('ban:198.51.100.7/32') =~ / 0$/ }), 'the first is told now';
ok holds($one, '198.51.100.7/32'), 'and does not end, being old and not there';
ok eventually(sub { holds($one, '198.51.100.0/24') }), 'nor after a restart';
ok !holds($one, '192.0.2.0/24'), 'which brings nothing back';

$redis->cli('hset', 'dynproxy:policy', 'forgotten:ban', int(time * 1000) . ' 5');
ok eventually(sub { said('forgotten:ban') =~ /^\d+ 0$/ }), 'how far is no word with an end: it is mended';

# another node's clock is ahead, by less than an hour
sub since { said($_[0]) =~ /^(\d+)/ ? $1 : 0 }
my $ahead = int(time * 1000) + 1_800_000;
$redis->cli('hset', 'dynproxy:policy', 'forgotten:ban', "$ahead 0");
ok eventually(sub { $one->ctl('ban', '203.0.113.2'); since('ban:203.0.113.2/32') > $ahead }, 30), 'what is said then is later than that';
ok eventually(sub { holds($two, '203.0.113.2/32') }), 'a ban holds on both';
is $one->ctl('unban', '203.0.113.2'), 0, 'its end';
ok !holds($one, '203.0.113.2/32'), 'is now, not by and by';
ok eventually(sub { !holds($two, '203.0.113.2/32') }), 'on both';
is $one->ctl('ban', '203.0.113.3', '--for', '10m'), 0, 'a ban for ten minutes';
ok holds($one, '203.0.113.3/32'), 'counts from now';
ok eventually(sub { holds($two, '203.0.113.3/32') }), 'on both';

done_testing;
