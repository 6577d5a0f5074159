# QUIT: what is under way is finished, what waits in a queue is served, and who
# comes later is refused at once instead of being left to wait (3-processes.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use IO::Select;

my $proxy   = DynProxy->new(workers => 2, tools => ['alpha'], conf => { drain_timeout => '20s' });
my $backend = $proxy->backend(after_ms => 3000);
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a slow tool';

my $request = "GET / HTTP/1.1\r\nHost: alpha.example.test\r\n\r\n";
my @slow = map { my $s = $proxy->connect; $s->printflush($request); $s } 1 .. 4;
my @workers = $proxy->worker_pids;
my $under_way = sub { my $n = 0; $n += $proxy->connections_of($_) for @workers; $n };
ok eventually(sub { $under_way->() == @slow }), 'four requests are under way';

# Stopped workers accept nothing: these wait in the queues when QUIT comes.
kill 'STOP', @workers;
my @queued = map { my $s = $proxy->connect; $s->printflush($request); $s } 1 .. 8;
kill 'QUIT', $proxy->{pid};
ok eventually(sub { $proxy->log =~ /draining/ }), 'the master drains';
kill 'CONT', @workers;

ok eventually(sub { !$proxy->connect }), 'who comes later is refused';
ok !IO::Select->new(@queued)->can_read(0), 'while the others are still being served';
for my $socket (@slow, @queued) {
    my $response = DynProxy::Response->new(DynProxy::converse($socket, ''));
    is $response->status, 200, 'a request is answered';
    is $response->header('connection'), 'close', 'and told that it was the last';
}
$proxy->stop('QUIT');
done_testing;
