# The example configurations of a cluster are what keepalived, redis-server and
# redis-sentinel of Debian take, and its users may do what dynproxyd and the
# others do, no more (dynproxy-cluster(7)).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use File::Temp;
use RedisServer;

my $dir = File::Temp->newdir;
sub example { my ($name, %instead) = @_; my $text = DynProxy::slurp("$DynProxy::ROOT/conf/$name.conf.example"); $text =~ s/\Q$_\E/$instead{$_}/g for sort { length $b <=> length $a } keys %instead; $text }
sub put { my ($name, $text) = @_; open my $fh, '>', "$dir/$name" or die $!; print $fh $text; close $fh; return "$dir/$name" }

# Debian 12's keepalived ends its own test of a file with another script_user
# by a SIGTERM to itself, so what it reports is looked at.
my $far = OwnNetwork::host(name => 'far', ours => '10.98.0.1', theirs => '10.98.0.2');
sub keepalived_says {
    my $conf = put('keepalived.conf', $_[0]);
    unlink "$dir/said";
    run_command($far->command(undef, 'setsid', '--wait', 'keepalived', "--config-test=$dir/said", '-f', $conf));
    return DynProxy::slurp("$dir/said");
}
OwnNetwork::own_etc();
system('install', '-D', '-m', '755', "$DynProxy::ROOT/conf/system/keepalived-track", '/etc/dynproxy/track') == 0 or die;
my @track = ('/usr/lib/dynproxy/keepalived-track' => '/etc/dynproxy/track');
is keepalived_says(example('keepalived', @track)), '', 'keepalived has nothing to say of its file';
like keepalived_says(example('keepalived', @track, 'rise 2' => 'rsie 2')), qr/Unknown keyword/, 'as it has of a wrong one';

my %passwords = map { (uc($_) . '-PASSWORD' => "$_-secret") } qw(dynproxy replica sentinel operator);
my @redis = (auth => [operator => 'operator-secret'], address => '10.98.0.1');
my $primary = RedisServer->new(@redis, conf => example('redis', %passwords, '192.0.2.11' => '10.98.0.1'));
my $replica = RedisServer->new(@redis, conf => example('redis', %passwords, '#replicaof 192.0.2.11 6379' => "replicaof 10.98.0.1 $primary->{port}", '192.0.2.11' => '10.98.0.1'));
ok eventually(sub { $replica->cli('role') =~ /connected/ }), 'a replica follows, as the user replica';
my $sentinel = RedisServer->new(address => '10.98.0.1', program => 'redis-sentinel',
    conf => example('sentinel', %passwords, '192.0.2.11 6379' => "10.98.0.1 $primary->{port}", '192.0.2.11' => '10.98.0.1', '/var/lib/redis' => "$dir"));
ok eventually(sub { $sentinel->cli(qw(sentinel master mymaster)) =~ /^flags\nmaster$/m && $sentinel->cli(qw(sentinel replicas mymaster)) =~ /^flags\nslave$/m }),
    'a sentinel finds both, as the user sentinel';

my $secret = put('password', "dynproxy-secret\n");
my $proxy = DynProxy->new(tools => ['alpha'], expect => qr/redis-lost/, conf => {
    redis_sentinels => DynProxy::list($sentinel->addr), redis_primary => 'mymaster', wait_replicas => 1,
    redis_user => 'dynproxy', redis_password => qq("file:$secret") });
my $backend = $proxy->backend;
ok eventually(sub { my $r = ($proxy->ctl_json('status') // {})->{registrar}{redis}; $r->{connected} && $r->{synced} }), 'dynproxyd connects, as the user dynproxy';
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'and registers';
ok eventually(sub { $replica->cli('hget', 'prefix:alpha', '.*') eq $backend->url }), 'the replica has it';
is $proxy->ctl('ban', '203.0.113.0/24'), 0, 'a ban';
like $primary->cli('acl', 'log'), qr/^$/, 'nothing that it tried was refused';
$primary->{auth} = [dynproxy => 'dynproxy-secret'];
like $primary->cli(@$_), qr/^NOPERM/, "@$_: not for this user" for ['flushall'], ['keys', '*'], ['config', 'get', '*'], ['get', 'other'], ['publish', 'x', 'y'];

done_testing;
