# A worker that dies, or hangs, is replaced, and who waited in its queue is
# served by its successor; one that dies again and again waits (3-processes.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use List::Util qw(min);
use Time::HiRes qw(time);

my $QUEUED = 200;

# what our own starter has left open, more often than once
my @left = do { local $^F = 255; map { open my $fh, '<', $0 or die $!; $fh } 1 .. 4 };
my $proxy = DynProxy->new(tools => ['alpha'], expect => qr/child-(died|hangs|ended|crash)/);
sub has_left { my ($pid) = @_; return scalar grep { (readlink($_) // '') eq readlink "/proc/self/fd/" . fileno $left[0] } glob "/proc/$pid/fd/*" }
is has_left($proxy->{pid}), 4, 'the master has files that were left open';
is has_left($_), 0, 'its children do not' for $proxy->worker_pids, $proxy->registrar_pid;
is getpgrp($_), $_, 'Ctrl-C is not for them: it knows their order' for DynProxy::descendants($proxy->{pid});
my $nice = getpriority(0, 0);
is getpriority(0, $_), $nice, 'a worker is as nice as whoever started it' for $proxy->worker_pids;
is getpriority(0, $proxy->registrar_pid), min(19, $nice + 5), 'the registrar is nicer: requests come first';
my $backend = $proxy->backend(text => 'hello');
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';

# Connections that wait in the queue of a worker, which is stopped.
sub queue {
    my ($worker) = @_;
    kill 'STOP', $worker;
    my @queued = map { $proxy->connect } 1 .. $QUEUED;
    $_->printflush("GET / HTTP/1.1\r\nHost: alpha.example.test\r\nConnection: close\r\n\r\n") for @queued;
    return @queued;
}

sub served {
    my $served = 0;
    for my $socket (@_) {
        my $response = DynProxy::Response->new(eval { DynProxy::converse($socket, '') } // '');
        $served++ if ($response->status // 0) == 200;
    }
    return $served;
}

sub successor_of {
    my ($old, $seconds) = @_;
    return eventually(sub { (grep { $_ != $old } $proxy->worker_pids)[0] }, $seconds);
}

my ($worker) = $proxy->worker_pids;
my @queued = queue($worker);
my $killed = time;
kill 'KILL', $worker;
my $successor = successor_of($worker);
isnt $successor, undef, 'kill -9: there is a successor';
is served(@queued), $QUEUED, "all $QUEUED who waited are served";
note sprintf 'after %.0f ms', 1000 * (time - $killed);
my ($ready) = $proxy->log =~ /child-ready worker 0 pid=$successor after_ms=(\d+)/;
note "it was ready after $ready ms";

@queued = queue($successor);
my $stopped = time;
my $third = successor_of($successor, 60);    # after 30 s, if it has run a little since it was asked: see master/heartbeat.c
isnt $third, undef, 'SIGSTOP: it is found to hang, and has a successor';
is served(@queued), $QUEUED, "all $QUEUED who waited are served";
note sprintf 'after %.1f s', time - $stopped;
like $proxy->log, qr/child-hangs worker 0 pid=$successor /, 'and it was logged';
sub restarts { my $now = $proxy->metrics; return join ' ', map { $now->{qq(dynproxy_worker_restarts_total{reason="$_"})} // 'none' } qw(died ended hangs spawn-failed) }
ok eventually(sub { restarts() eq '1 0 1 0' }), 'both are counted, by how they ended' or diag restarts();

my $registrar = $proxy->registrar_pid;
kill 'STOP', $registrar;
ok eventually(sub { my $now = $proxy->registrar_pid; $now && $now != $registrar }, 60), 'so has a registrar that hangs';
is $proxy->register('alpha', '/more/.*', $backend->url), 'ok', 'which goes on';

# what killed it
my ($dying) = $proxy->worker_pids;
# the master learns of its death before it has read its last words
kill 'STOP', $proxy->{pid};
kill 'USR1', $proxy->{pid};
kill 'SEGV', $dying;
eventually(sub { DynProxy::slurp("/proc/$dying/stat") =~ /\) Z/ });
kill 'CONT', $proxy->{pid};
ok eventually(sub { $proxy->log =~ /child-crashed worker 0 pid=$dying signal=11 / }), 'a crash has a fingerprint';

# again and again, each after a short life: later and later
for (1 .. 50) {
    last if $_ > 4 && $proxy->log =~ /child-crash-loop worker 0 /;
    my $pid = eventually(sub { ($proxy->worker_pids)[0] });
    kill 'KILL', $pid;
    eventually(sub { $proxy->log =~ /child-died worker 0 pid=$pid / });
}
ok eventually(sub { $proxy->get('alpha', '/')->status == 200 }), 'it comes back in the end';
like $proxy->log, qr/child-crash-loop worker 0 /, 'and it was told that it dies again and again';

# who has lived for long has a successor at once
my $loops = sub { scalar(() = $proxy->log =~ /child-crash-loop/g) };
my ($old) = $proxy->worker_pids;
my ($seen, $before) = (time, $loops->());
eventually(sub { time > $seen + 1.5 });
kill 'KILL', $old;
ok eventually(sub { my ($now) = $proxy->worker_pids; $now && $now != $old }), 'it dies much later';
is $loops->(), $before, 'and that is no crash loop';
done_testing;
