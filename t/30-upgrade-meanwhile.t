# While another program is tried, who asked for it may go, a worker may die, and
# somebody may want no workers: it is done all the same, with the processes there
# are by then (3-processes.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Installed;

my $installed = Installed->new("$DynProxy::BUILD/dynproxyd");
my $proxy = DynProxy->new(workers => 2, tools => ['alpha'], program => $installed->path, expect => qr/child-died worker/);
my $backend = $proxy->backend(text => 'hello');
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';
$installed->put("$DynProxy::BUILD/t/dynproxyd-tried");
$proxy->settled;    # until then it refuses

# Ask for it; the process of dynproxyctl, and the one that tries.
sub try_it {
    my $asker = fork // die "fork: $!";
    if (!$asker) {
        open STDOUT, '>', '/dev/null';
        exec "$DynProxy::BUILD/dynproxyctl", '-c', $proxy->conf_path, 'upgrade' or POSIX::_exit(127);
    }
    my $tries = eventually(sub {
        (grep { DynProxy::slurp("/proc/$_/cmdline") =~ /\0probe\0/ && DynProxy::slurp("/proc/$_/stat") =~ /\) T / }
            DynProxy::descendants($proxy->{pid}))[0];
    });
    return ($asker, $tries);
}
my $upgrades = sub { scalar(() = $proxy->log =~ / upgraded /g) };

my ($asker, $tries) = try_it();
my $before = () = glob "/proc/$proxy->{pid}/fd/*";
kill 'KILL', $asker;
waitpid $asker, 0;
ok eventually(sub { (() = glob "/proc/$proxy->{pid}/fd/*") < $before }), 'who asked is gone';
kill 'CONT', $tries;
ok eventually(sub { $upgrades->() == 1 }), 'the upgrade is done';
$proxy->settled;

($asker, $tries) = try_it();
my ($victim) = $proxy->worker_pids;
kill 'KILL', $victim;
ok eventually(sub { my @now = $proxy->worker_pids; @now == 2 && !grep { $_ == $victim } @now }), 'a worker has died and has a successor';
kill 'WINCH', $proxy->{pid};
ok eventually(sub { $proxy->log =~ /rest-refused/ }), 'WINCH is refused, which its workers would not hear of';
kill 'CONT', $tries;
waitpid $asker, 0;
is $?, 0, 'the upgrade is done';
is $upgrades->(), 2, 'as the log says';
$proxy->settled;
is scalar($proxy->worker_pids), 2, 'there are as many workers as before';
is $proxy->get('alpha', '/')->body, 'hello', 'and they serve';
is scalar(grep { DynProxy::slurp("/proc/$_/cmdline") =~ /worker/ } DynProxy::descendants($proxy->{pid})), 2, 'no other is left';
done_testing;
