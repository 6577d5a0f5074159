# What one node wrote another one reads from a replica; without the replica it
# reads the primary; and what speaks the original's layout, on either side, is
# understood (1-registration.md 1.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use RedisServer;

my $primary = RedisServer->new;
my $replica = RedisServer->new(replicaof => $primary);
$primary->cli('acl', 'setuser', 'proxy', 'on', '>sesame', 'resetkeys', '~prefix:*', '~redirect:*', '~frontend:*',
    '~dynproxy:*', 'resetchannels', '&__redis__:invalidate', '-@all', '+@connection', '+@pubsub', '+@scripting',
    '+@hash', '+@set', '+@keyspace', '+set', '+@transaction', '+info', '+role', '+wait');
$replica->cli('acl', 'setuser', 'proxy', 'on', '>sesame', 'allkeys', 'allchannels', '+@all');

my $secret = File::Temp->new;
print $secret "sesame\n";
close $secret;
my @common = (
    redis          => '"' . $primary->addr . '"',
    redis_user     => 'proxy',
    redis_password => qq("file:$secret"),
);
my $writer = DynProxy->new(tools => ['alpha'], conf => { @common }, expect => qr/redis-lost/);
my $reader = DynProxy->new(
    tools  => ['beta'],
    conf   => { @common, redis_replica => '"' . $replica->addr . '"' },
    expect => qr/redis-lost|redis-loss/,
);
my $backend = $reader->backend(count => 2);
for my $node ($writer, $reader) {
    ok eventually(sub { my $r = $node->redis_status; $r->{connected} && $r->{synced} }),
        'connected, as a user that may do no more than dynproxy.conf(5) says';
    unlike $node->log, qr/sesame/, 'whose password is in no log';
}
is $reader->redis_status->{reading}, $replica->addr, 'one reads from the replica';
is $reader->redis_status->{primary}, $primary->addr, 'and writes to the primary';

sub served { my ($tool, $n) = @_; $reader->get($tool, '/')->body eq sprintf "backend %d\n", $backend->port($n) }

is $writer->register('alpha', '.*', $backend->url(0)), 'ok', 'a route on the one';
ok eventually(sub { served('alpha', 0) }), 'is served by the other';
is $reader->register('beta', '.*', $backend->url(0)), 'ok', 'and the other way round';
ok eventually(sub { $writer->get('beta', '/')->status == 200 }), 'is served, too';
is $writer->register('alpha', '.*', $backend->url(1)), 'ok', 'another destination';
ok eventually(sub { served('alpha', 1) }), 'follows';
like $primary->cli('hget', 'dynproxy:route:alpha', '.*'), qr/^[0-9a-f]{16} \d+ http:/, 'the version stands beside';

sub lag { $reader->metrics->{'dynproxy_store_replication_lag_seconds{store="redis"}'} // 'none' }
ok eventually(sub { lag() =~ /^\d+$/ && lag() <= 15 }, 30), 'the replica has heard of its primary' or diag lag();
$replica->cli('replicaof', '127.0.0.1', free_port());
ok eventually(sub { lag() >= 16 }, 60), 'it is cut off: it lags' or diag lag();
cmp_ok $reader->redis_status->{lag_seconds}, '>=', 16, '  in dynproxyctl status, too';

# What goes meanwhile does not come back from there, also when all is compared.
sub asked { my ($redis, $command) = @_; $redis->cli('info', 'commandstats') =~ /^cmdstat_$command:calls=(\d+)/m ? $1 : 0 }
is $reader->unregister('beta', '.*'), 'ok', 'a route goes';
is $reader->get('beta', '/')->reason, 'tool-stopped', 'and is gone';
my $passes = asked($replica, 'dbsize');
$primary->cli('client', 'kill', 'type', 'normal');
ok eventually(sub { asked($replica, 'dbsize') > $passes }), 'it connects to the primary again, and begins a pass';
my $beats = asked($primary, 'set');
ok eventually(sub { asked($primary, 'set') >= $beats + 4 }), 'which has ended: both nodes have said twice since that they live';
is $reader->get('beta', '/')->reason, 'tool-stopped', 'the route is gone still';
is $reader->register('beta', '.*', $backend->url(0)), 'ok', 'until it is registered again';

# A replica that lags says what was before: it is not believed.
$replica->cli('replicaof', 'no', 'one');
is $writer->register('alpha', '/new/.*', $backend->url(0)), 'ok', 'a route that the replica does not get';
is $reader->register('beta', '.*', $backend->url(1)), 'ok', 'one that it has otherwise';
$replica->cli('hset', 'prefix:beta', '/other/.*', $backend->url(0));
ok eventually(sub { $reader->get('beta', '/other/x')->status == 200 }), 'what others write there is read';
ok eventually(sub { served('beta', 1) }), 'what is older there is not';
$replica->cli('hdel', 'prefix:beta', '/other/.*');
$replica->cli('replicaof', '127.0.0.1', $primary->{port});
ok eventually(sub { $reader->get('alpha', '/new/x')->status == 200 }), 'when it follows again, all of it comes';

$replica->kill_hard;
is $writer->register('alpha', '.*', $backend->url(0)), 'ok', 'the replica is gone';
ok eventually(sub { served('alpha', 0) }), 'and the primary is read';
is $reader->redis_status->{reading}, $primary->addr, 'as status says';

# The original beside us: it sets and removes fields of two hashes, and reads one.
sub original {
    my ($verb, $tool, $route, $url) = @_;
    $primary->cli('del', "redirect:$tool");
    return $primary->cli($verb eq 'register' ? ('hset', "prefix:$tool", $route, $url) : ('hdel', "prefix:$tool", $route));
}
sub read_as_original { my %all = split /\n/, $primary->cli('hgetall', "prefix:$_[0]"); \%all }

original('register', 'gamma', '.*', $backend->url(0));
ok eventually(sub { $_->get('gamma', '/')->status == 200 }), 'the original registers: we serve it' for $writer, $reader;
original('register', 'alpha', '.*', $backend->url(1));
ok eventually(sub { served('alpha', 1) }), 'it replaces what we had';
is $writer->register('alpha', '.*', $backend->url(0), 'registerCanonical'), 'ok', 'we replace what it had';
is read_as_original('alpha')->{'.*'}, $backend->url(0), 'it reads that';
is $primary->cli('exists', 'redirect:alpha'), 1, 'and that the tool is canonical';
ok eventually(sub { served('alpha', 0) }), 'both nodes, too';
original('unregister', 'alpha', '.*');
ok eventually(sub { !grep { $_->get('alpha', '/')->status == 200 } $writer, $reader }), 'it unregisters: gone from both';
original('register', 'alpha', '.*', $backend->url(1));
ok eventually(sub { served('alpha', 1) }), 'it registers again: served';
is $writer->unregister('alpha', '.*'), 'ok', 'we unregister what is its';
is_deeply [grep { $_ eq '.*' } keys %{ read_as_original('alpha') }], [], 'it does not see it any more';

done_testing;
