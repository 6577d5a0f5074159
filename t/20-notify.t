# systemd is told what goes on, and its sockets are taken (sd_notify(3),
# sd_listen_fds(3)).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Notified;

my $dir      = File::Temp->newdir;
my $notified = Notified->new;
sub said { return $notified->said }

# Its socket for clients is there before it is, at 3; and what another version
# has left in systemd's store.
my $open = 'use IO::Socket::INET; $^F = 9; $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$ENV{PORT}",'
    . ' Listen => 9, ReuseAddr => 1) or die; use POSIX; dup2(fileno $s, 3) if fileno $s != 3; dup2(0, 4);'
    . ' @ENV{qw(LISTEN_FDS LISTEN_PID LISTEN_FDNAMES)} = (2, $$, "http:dynproxy-of-another"); exec @ARGV';
my $proxy;
{
    local $ENV{NOTIFY_SOCKET} = $notified->path;
    local $ENV{WATCHDOG_USEC} = 300_000;
    local $ENV{PORT} = my $port = free_port();
    $proxy = DynProxy->new(
        workers => 2,
        wrapper => ['perl', '-e', $open],
        conf    => { http => DynProxy::list("127.0.0.1:$port"), master_socket => qq("$dir/master.sock") },
        http_port => $port,
    );
}
ok eventually(sub { said() =~ /^READY=1$/m }), 'READY, on the socket that was there';
like said(), qr/^FDSTOREREMOVE=1\nFDNAME=dynproxy-of-another$/m, 'what is not understood is not to be kept';
ok eventually(sub { said() =~ /^STATUS=serving with 2 workers$/m }), 'and a status';
ok eventually(sub { said() =~ /(^WATCHDOG=1\n.*){3}/ms }), 'the watchdog is fed';
$notified->forget;
is $proxy->ctl('reload'), 0, 'reload';
ok eventually(sub { said() =~ /^RELOADING=1\nMONOTONIC_USEC=\d+\n.*^READY=1$/ms }), 'RELOADING, then READY';
kill 'QUIT', $proxy->{pid};
ok eventually(sub { said() =~ /^STOPPING=1$/m }), 'STOPPING';
ok eventually(sub { $proxy->is_dead }), 'and it has ended';
is $proxy->{status}, 0, 'well';
unlike $proxy->log, qr/^<[0-3]>/m, 'it complained of nothing';
$proxy->abandon;

Test::More::done_testing;
