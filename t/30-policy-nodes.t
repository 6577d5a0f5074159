# What an operator says on one node holds on the others, and is known to one
# that was away; the later word holds; what a stranger writes there is checked;
# what is lost there comes back (4-operations.md 4.4).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use JSON::PP;
use RedisServer;
use Time::HiRes qw(time);

my $redis = RedisServer->new;
my %nodes;
for my $name (qw(one two)) {
    $nodes{$name} = DynProxy->new(
        tools  => ['alpha'],
        conf   => { redis => '"' . $redis->addr . '"', node_name => $name, operator_networks => '{ "127.0.0.9/32" }' },
        expect => qr/redis-lost|redis-loss/,
    );
}
my ($one, $two) = @nodes{qw(one two)};
my $backend = $one->backend;
is $one->register('alpha', '.*', $backend->url), 'ok', 'a tool';

# What is refused there, by a GET from an address.
sub answer {
    my ($node, %field) = @_;
    my $from = delete $field{from} // '127.0.0.1';
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $node->{http_port}, LocalAddr => $from, Proto => 'tcp') // die "connect: $!";
    my $response = DynProxy::Response->new(DynProxy::converse($socket,
        "GET / HTTP/1.1\r\nHost: " . $node->host('alpha') . "\r\n" . join('', map { "$_: $field{$_}\r\n" } sort keys %field) . "Connection: close\r\n\r\n"));
    return $response->reason // $response->status;
}
sub soon { my ($want, $what, $node, @with) = @_; ok eventually(sub { answer($node, @with) eq $want }), $what or diag answer($node, @with) }
sub checksum { decode_json($_[0]->admin('/readyz?verbose')->body)->{policy}{checksum} }
sub agree { my ($what) = @_; ok eventually(sub { checksum($one) eq checksum($two) }), "$what: both have the same checksum" }

soon(200, 'both serve it', $_) for $one, $two;
my $empty = checksum($one);
is $one->ctl('ban', '127.0.0.4/30'), 0, 'a ban on one';
soon('banned', 'acts on two', $two, from => '127.0.0.5');
is $two->ctl('block', 'agent', '^Evil: bot'), 0, 'a block on two';
soon('blocked-agent', 'acts on one', $one, 'User-Agent' => 'Evil: bot');
is $one->ctl('maintenance', 'on', 'alpha'), 0, 'maintenance on one';
soon('tool-maintenance', 'acts on two', $two);
agree('so far');
isnt checksum($one), $empty, 'another one than of none';
is $two->ctl('maintenance', 'off', 'alpha'), 0, 'its end on two';
soon(200, 'acts on one', $one);
is $one->ctl('ban', '127.0.0.8/32', '--for', '1h'), 0, 'a ban with an end';
soon('banned', 'acts on two', $two, from => '127.0.0.8');
is $one->ctl('ban', '127.0.0.8/32', '--for', '1s'), 0, 'an earlier end';
soon(200, 'and it ends there', $two, from => '127.0.0.8');
is $one->ctl('standby', 'on'), 0, 'standby on one';
is $one->ctl('registration', 'off', '--reason', 'later'), 0, 'and registration off';
is $two->admin('/readyz')->status, 200, 'are of one alone';
is $two->register('alpha', '.*', $backend->url), 'ok', 'both';
$one->ctl('standby', 'off');
$one->ctl('registration', 'on');

# two is away meanwhile, and has what was struck in its file
$two->stop;
is $one->ctl('unban', '127.0.0.4/30'), 0, 'two is away: the ban ends on one';
is $one->ctl('ban', '127.0.0.12'), 0, 'and there is another';

# nor has it heard the end of an old one, but went on to forget what is over
sub ago { (int(time) - $_[0] * 86400) * 1000 }
$redis->cli('hset', 'dynproxy:policy', 'forgotten:ban', ago(12) . ' 0');
my ($status, undef, $error) = DynProxy::run_command('sqlite3', "$two->{dir}/state/routes.sqlite",
    'insert or replace into policy (kind, subject, since_ms, until_ms) values'
    . " ('ban', '127.0.0.28/32', " . ago(13) . ", 0), ('forgotten', 'ban', " . ago(10) . ", 0), ('told', '', " . ago(1) . ", 0)");
is $status, 0, 'two has an old ban' or diag $error;
$two->start;
soon('banned', 'back again, two has the new one', $two, from => '127.0.0.12');
soon(200, 'and not the old one', $two, from => '127.0.0.5');
is answer($one, from => '127.0.0.5'), 200, 'nor does it bring it back';
soon(200, 'nor what others forgot', $two, from => '127.0.0.28');
is $redis->cli('hget', 'dynproxy:policy', 'ban:127.0.0.28/32'), '', 'and does not tell it';
agree('after that');

# the other way round: Redis is away
$redis->kill_hard;
is $two->ctl('unban', '127.0.0.12'), 0, 'Redis is away: unban on two';
is $one->ctl('ban', '127.0.0.13'), 0, 'ban on one';
$redis->start;
soon(200, 'it is back: one has the first', $one, from => '127.0.0.12');
soon('banned', 'two the second', $two, from => '127.0.0.13');
agree('with Redis back');

# strangers
my $now = int(time * 1000);
my @bad = (['ban:10.0.0.1/8', "$now 0"], ['ban:nonsense', "$now 0"], ['standby:', "$now 0"], ['registration:x', "$now 0"], ['maintenance:Not A Tool', "$now 0"],
    ['agent:(', "$now 0"], ['ban:127.0.0.1/32', $now + 7200000 . ' 0'], ['ban:127.0.0.1/32x', ''], ['ban:127.0.0.2/32', '0 0'], ['ban:127.0.0.3/32', "$now"],
    ['ban:127.0.0.6/32', "$now 0 1"], ['ban:127.0.0.7/32', "9999999999999999 0"], ['agent:' . 'a' x 600, "$now 0"], ['x' x 100000, 'y' x 100000], ["ban:127.0.0.13/32\0", "$now 0"]);
my $before = checksum($two);
$redis->cli('hset', 'dynproxy:policy', @$_) for grep { $_->[0] !~ /\0/ } @bad;
ok eventually(sub { (($two->ctl_json('status')->{registrar}{redis}{refused} // 0) >= @bad - 1) }), 'what a stranger writes there is refused';
is checksum($two), $before, 'and changes nothing';
$redis->cli('hset', 'dynproxy:policy', 'ban:127.0.0.13/32', '1000 1000');
is answer($two, from => '127.0.0.13'), 'banned', 'an older word changes nothing';
ok eventually(sub { $one->ctl('ban', '127.0.0.14'); $redis->cli('hget', 'dynproxy:policy', 'ban:127.0.0.13/32') ne '1000 1000' }), 'and is mended';
$redis->cli('hset', 'dynproxy:policy', 'ban:127.0.0.13/32', "$now 0");
my $week = $now - 8 * 86400000;
my $young = $now - 7 * 86400000 - 60000;    # a week and a minute: some may still have it
$redis->cli('hset', 'dynproxy:policy', 'ban:127.0.0.30/32', "$young $young");
$redis->cli('hset', 'dynproxy:policy', 'ban:127.0.0.20/32', "$week $week");
ok eventually(sub { $redis->cli('hget', 'dynproxy:policy', 'ban:127.0.0.20/32') eq '' }), 'what was struck a week ago is forgotten';
sub lost { my ($node) = @_; return scalar(() = $node->log =~ /redis-lost (?!.*: no answer within a second$)/mg) }    # or it had no time
my @lost = map { lost($_) } $one, $two;
$redis->cli('eval', 'for i = 1, 5000 do redis.call("hset", KEYS[1], string.format("ban:10.0.%d.%d/32", math.floor(i / 256), i % 256), ARGV[1]) end',
    1, 'dynproxy:policy', "$week $week");
ok eventually(sub { $redis->cli('hlen', 'dynproxy:policy') < 100 }, 30), 'and so are thousands of these';
is_deeply [map { lost($_) } $one, $two], \@lost, 'without a fault of the connection';

$redis->cli('del', 'dynproxy:policy');
ok eventually(sub { $redis->cli('hget', 'dynproxy:policy', 'ban:127.0.0.13/32') =~ /^\d+ 0$/ }), 'what is lost there comes back';
agree('at the end');
ok eventually(sub { $one->ctl('ban', '127.0.0.14'); $redis->cli('hget', 'dynproxy:policy', 'ban:127.0.0.30/32') eq '' }, 60), 'what was struck a week ago goes';
ok eventually(sub { $redis->cli('hget', 'dynproxy:policy', 'forgotten:ban') =~ /^(\d+) 0$/ && $1 >= $young }), 'when it says that such are gone';
$redis->cli('del', 'dynproxy:policy');
$redis->cli('set', 'dynproxy:policy', 'no hash');
is $one->ctl('unban', '127.0.0.13'), 0, 'a key of another type: said, and taken';
is answer($one, from => '127.0.0.13'), 200, 'and holds here';
is $one->register('alpha', '/more', $backend->url), 'ok', 'registrations do not notice';

done_testing;
