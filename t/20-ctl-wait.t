# `dynproxyctl wait` ends when it is so, and by its exit status says what there
# is when it does not come to be so in time (dynproxyctl(8)).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use AsUser;
use DynProxy;
use Time::HiRes qw(time);

my $proxy = DynProxy->new(conf => { local_tools => '{ "61000:alpha", "61001:beta" }' });
@{ $proxy->{uid} }{qw(alpha beta)} = (61000, 61001);

# Begin to wait; the exit status, when it has ended.
sub begin {
    my @words = @_;
    my $pid = fork // die "fork: $!";
    exec "$DynProxy::BUILD/dynproxyctl", '-q', '-c', $proxy->conf_path, 'wait', @words if !$pid;
    return $pid;
}
sub ended { my ($pid) = @_; waitpid $pid, 0; return $? >> 8 }

# --- the node
is $proxy->ctl('wait', 'ready'), 0, 'wait ready: it is';
is $proxy->out, "dynproxyd is ready\n", 'and that is said';
$proxy->stop;
is $proxy->ctl('wait', 'ready', '--timeout', '0s'), 3, 'nobody is there';
like $proxy->err, qr/cannot reach the registrar/, 'which is told';
my $waits = begin('ready', '--timeout', '2m');
$proxy->start;
is ended($waits), 0, 'one that begins is waited for';

# --- a route
my $begun = time;
is $proxy->ctl('wait', 'route', 'alpha', '--timeout', '300ms'), 1, 'no route comes';
cmp_ok time - $begun, '>=', 0.3, 'it was waited for';
like $proxy->err, qr/^dynproxyctl: alpha has no route/, 'and that is told';
$waits = begin('route', 'alpha', '--timeout', '2m');
my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'one is registered';
is ended($waits), 0, 'wait route ends';
is $proxy->ctl('drain', $backend->addr), 0, 'drained';
is $proxy->ctl('wait', 'route', 'alpha', '--timeout', '0s'), 1, 'none that gets requests';
like $proxy->err, qr/no backend of alpha is active/, 'which is told';
is $proxy->ctl('undrain', $backend->addr), 0, 'undrained';
is $proxy->ctl('wait', 'route', 'alpha', 'up', '--timeout', '0s'), 0, 'its backend is up';

# --- one that is not there yet
my $port = free_port();
is $proxy->register('beta', '.*', "http://127.0.0.1:$port"), 'ok', 'a route to nobody';
is $proxy->ctl('wait', 'route', 'beta'), 0, 'is a route';
is $proxy->ctl('wait', 'route', 'beta', 'up', '--timeout', '0s'), 1, 'that is not up';
is $proxy->err, "dynproxyctl: http://127.0.0.1:$port: Connection refused\n", 'which is told';
$waits = begin('route', 'beta', 'up', '--timeout', '2m');
my $listens = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 16, ReuseAddr => 1) or die $!;
is ended($waits), 0, 'until somebody listens there';

# --- where nobody listens on a port that connections have, one may be with itself
is $proxy->register('beta', '.*', 'http://127.0.0.1:40000'), 'ok', 'a route to such a port';
my $file = '/proc/sys/net/ipv4/ip_local_port_range';
my $all  = DynProxy::slurp($file);
sub connections_have { open my $range, '>', $file or die $!; syswrite $range, $_[0] or die $!; return }
connections_have('40000 40000');
is $proxy->ctl('wait', 'route', 'beta', 'up', '--timeout', '0s'), 1, 'a connection with ourselves is no backend';
is $proxy->err, "dynproxyctl: http://127.0.0.1:40000: Connection refused\n", 'but nobody';
connections_have($all);

# --- who may, and how
is +(ctl_as($proxy, 61000, 'wait', 'route', 'alpha', 'up'))[0], 0, "a tool's user waits for its route";
is +(ctl_as($proxy, 61000, 'wait', 'route', 'beta'))[0], 4, 'for no other, and at once';
is +(ctl_as($proxy, 61000, 'wait', 'ready'))[0], 4, 'nor for the node';
for (['for'], ['route'], ['route', 'alpha', 'down'], ['ready', 'alpha'], ['ready', '--timeout'], ['ready', '--timeout', 'soon'],
    ['ready', '--timeout', '1s', 'up'], ['--timeout', '1s'], ['route', 'Alpha!']) {
    is $proxy->ctl('wait', @$_), 2, "wait @$_: wrong usage";
    like $proxy->err, qr/^dynproxyctl: .../, 'says: ' . $proxy->err =~ s/\n//gr;
}
done_testing;
