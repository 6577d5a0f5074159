# Mixed load for hours, and every minute something breaks: memory and
# descriptors do not drift, whoever may live does, and every response that is
# no success says why (field/wishes.md 3).  `make soak SOAK_SECONDS=7200`;
# SOAK_SEED repeats the same faults.
use FindBin;
use lib "$FindBin::Bin/../lib";
use OwnNetwork;
use DynProxy;
use File::Temp;
use Mixed;
use RedisServer;
use Time::HiRes qw(time);

my $seconds = $ENV{SOAK_SECONDS} // 180;
my $every   = $seconds < 600 ? $seconds / 8 : 60;    # between two faults
my $seed    = $ENV{SOAK_SEED} // time * 1000 % 1e6;
srand $seed;
note "SOAK_SEED=$seed";

my $disk = File::Temp->newdir;
OwnNetwork::run(qw(mount -t tmpfs -o), 'size=256m,mode=755', 'tmpfs', "$disk");
chown $DynProxy::USER{logger}, -1, "$disk";
my $redis = RedisServer->new;
my $proxy = DynProxy->new(workers => 2, tools => [qw(alpha beta gamma)],
    expect => qr/child-(?:died|ended|hangs|killed)|access-log-|redis|store|lease|stuck|drain/, conf => {
    redis => '"' . $redis->addr . '"', access_log => qq("$disk/access.log"), access_log_format => 'json',
    access_log_space_min => '0b', keepalive_timeout => '2s' });
my $backend = $proxy->backend;
is $proxy->register($_, '.*', $backend->url), 'ok', "$_ registers" for qw(alpha beta);
my $mixed = Mixed->new($proxy, $backend);

sub pid_of { return ($proxy->pids($_[0]))[0] // 0 }
sub end_of { my ($role) = @_; my $pid = pid_of($role); kill 'KILL', $pid if $pid }
sub still {
    my ($role, $for) = @_;
    my $pid = pid_of($role) or return;
    kill 'STOP', $pid;
    my $until = time + $for;
    $mixed->request_all while time < $until;
    kill 'CONT', $pid;
}

# What breaks, and how long it is so.
my $broken_for = $every < 20 ? 1 : 10;
my %faults = (
    'a worker is killed'        => sub { end_of('worker') },
    'the registrar is killed'   => sub { end_of('registrar') },
    'the logger is killed'      => sub { end_of('logger') },
    'the registrar stands still' => sub { still('registrar', $broken_for) },
    'the logger stands still'   => sub { still('logger', $broken_for) },
    'Redis is away'             => sub {
        $redis->kill_hard;
        my $until = time + $broken_for;
        $mixed->request_all while time < $until;
        $redis->start;
    },
    'the log has no disk'       => sub {
        open my $fh, '>', "$disk/filler" or die $!;
        1 while defined syswrite $fh, "\0" x 65536;
        close $fh;
        my $until = time + $broken_for;
        $mixed->request_all while time < $until;
        unlink "$disk/filler";
    },
    'another configuration'     => sub { kill 'HUP', $proxy->{pid} },
);

# What a process has: kB of its own, descriptors.
sub has {
    my ($pid) = @_;
    my ($kb) = DynProxy::slurp("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m;
    return { kb => $kb // 0, fds => scalar(() = glob "/proc/$pid/fd/*") };
}

# Before the disk is full: what was written is read, and gone.
sub begin_log {
    rename "$disk/access.log", "$disk/old.log" or return;
    $proxy->ctl('reopen');
    $mixed->look_at("$disk/old.log");
    unlink "$disk/old.log";
}

my @crowd = map { $proxy->clients(@$_) } ['load', 'alpha', 10], ['load', 'beta', 5, '/bytes/3000'],
    ['slow-head', 'alpha', 5], ['slow-read', 'beta', 5, '/bytes/300000'], ['idle', 'alpha', 10];
my ($began, $next, %first, %last, %happened) = (time, time + $every);
my $new_log = time + 10;
while (time < $began + $seconds) {
    $mixed->work;
    if (time > $new_log) {
        begin_log();
        $new_log = time + 10;
    }
    if (time > $next) {
        my $what = (sort keys %faults)[rand keys %faults];
        $happened{$what}++;
        note sprintf '%5.0f s: %s', time - $began, $what;
        $faults{$what}->();
        $next = time + $every;
        # those who live long enough are compared with themselves
        for my $pid (map { $proxy->pids($_) } qw(worker registrar logger)) {
            $last{$pid} = has($pid);
            $first{$pid} //= $last{$pid};
        }
    }
}
undef @crowd;
$mixed->judge;
for my $pid (sort { $a <=> $b } keys %first) {
    next if !kill 0, $pid;
    cmp_ok $last{$pid}{kb}, '<', $first{$pid}{kb} * 1.5 + 8192, "$pid: kB of memory, from $first{$pid}{kb}";
    ok eventually(sub { has($pid)->{fds} <= $first{$pid}{fds} + 20 }), "descriptors, from $first{$pid}{fds}"
        or diag has($pid)->{fds};
}
$mixed->look_at("$disk/access.log");
$mixed->judge_answers;
note sprintf 'seconds=%d asked=%d lines=%d faults=%s', $seconds, @$mixed{qw(asked lines)}, join ', ', map { "$_: $happened{$_}" } sort keys %happened;
$proxy->stop;
OwnNetwork::run('umount', "$disk");
done_testing;
