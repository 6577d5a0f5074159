# Nobody waits for who reads the log, but the last lines are there when he reads
# on: also those of a worker that ends with clients, at the end of drain_timeout.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Fcntl;
use POSIX qw(WNOHANG);

my $proxy = DynProxy->new(tools => ['alpha'], conf => { drain_timeout => '2s' });
my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 8, Timeout => 60) or die $!;
is $proxy->register('alpha', '.*', 'http://127.0.0.1:' . $silent->sockport), 'ok', 'a backend that says nothing';
$proxy->stop;

# Again, with a log that somebody reads.
my $log = "$proxy->{dir}/pipe";
POSIX::mkfifo($log, 0666) or die $!;
chmod 0666, $log;
sysopen my $read, $log, O_RDONLY | O_NONBLOCK or die $!;
sysopen my $write, $log, O_WRONLY | O_NONBLOCK or die $!;
my $pid = fork // die $!;
if (!$pid) {
    open STDERR, '>', $log;
    exec $proxy->{program}, '-F', '-c', $proxy->conf_path or POSIX::_exit(127);
}
my $text = '';
sub reads { 1 while sysread $read, $text, 65536, length $text; return $text }
ok eventually(sub { reads() =~ /serving workers/ }), 'it serves';
my $client;
ok eventually(sub { $client = $proxy->connect }), 'a client';
$client->printflush("GET / HTTP/1.1\r\nHost: alpha.$DynProxy::DOMAIN\r\n\r\n");
ok my $waits = $silent->accept, 'waits for the backend';

# Who reads is behind: the pipe is full.
reads();
for my $size (4096, 1) { 1 while syswrite $write, 'x' x $size }
kill 'QUIT', $pid;
like DynProxy::converse($client, ''), qr{^HTTP/1.1 503 }, 'at the end of drain_timeout it is told so';
$text = '';
ok eventually(sub { reads(); waitpid($pid, WNOHANG) == $pid }), 'and the program ends';
ok reads() =~ /worker 0\]: drain-timeout clients=1$/m, 'the last line of the worker is there';

done_testing;
