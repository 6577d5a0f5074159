# Who runs code in a worker gains no file, no process, no key and no word of the
# table, and does not reach Redis; who runs it in the registrar gains what the
# registrar has, and no more (7-security.md 7.6, and 7.3 no. 6).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use File::Temp;

my %user = (worker => 'dynproxy-w', registrar => 'dynproxy-r');
OwnNetwork::add_user($user{$_}, $DynProxy::USER{$_}) for keys %user;
OwnNetwork::run('nft', '-f', "$DynProxy::ROOT/conf/dynproxy.nft.example");
my $redis = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 6379, Proto => 'tcp', Listen => 64) or die $!;

my $dir = File::Temp->newdir;
chmod 0755, $dir;
OwnNetwork::append("$dir/key.pem", "secret\n");
chmod 0600, "$dir/key.pem";
mkdir "$dir/state", 0700 or die $!;
chown +($DynProxy::USER{registrar}) x 2, "$dir/state";
my $control = IO::Socket::UNIX->new(Local => "$dir/control.sock", Listen => 64) or die $!;
chmod 0666, "$dir/control.sock";

sub attempts {
    my ($role, $how) = @_;
    my ($status, $out, $err) = run_command("$DynProxy::BUILD/t/attempts", $role, $DynProxy::USER{$role}, "$dir/state",
        "$dir/key.pem", "$dir/control.sock", $how);
    is $status, 0, "$role: all attempts were made ($how)" or diag $err;
    return { $out =~ /^(.*): (.*)$/mg };
}

my %killed = map { $_ => 'killed' } 'exec', 'fork', 'ptrace', "read another's memory", 'signal another',
    'reopen the table', 'fchmod the table', 'ftruncate the table', 'make memory that runs', 'become root',
    'open a file', 'read a key file', 'make a file in its directory', 'reach the control socket', 'bind a port';
my %refused = ('mprotect the table' => 'Permission denied', 'map the table anew' => 'Permission denied');

is_deeply attempts('worker', 'calls'), { %killed, %refused, 'connect to Redis' => 'Connection refused' },
    'a worker: each ends it, or fails';
is_deeply attempts('registrar', 'calls'), { %killed, %refused,
    'open a file'                  => 'No such file or directory',    # in its directory
    'read a key file'              => 'No such file or directory',
    'reopen the table'             => 'No such file or directory',
    'make a file in its directory' => 'done',
    'ftruncate the table'          => 'Invalid argument',             # it cannot write there
    'fchmod the table'             => 'Operation not permitted',
    'bind a port'                  => 'Permission denied',
    'connect to Redis'             => 'done',
}, 'the registrar: so it does, but for its store and Redis';

# A hole in the list of system calls is no way out: the other walls stand.
my %walls = (
    'open a file'                  => 'Permission denied',
    'read a key file'              => 'Permission denied',
    'make a file in its directory' => 'Permission denied',
    'exec'                         => 'Resource temporarily unavailable',
    'fork'                         => 'Resource temporarily unavailable',
    'ptrace'                       => 'Operation not permitted',
    'become root'                  => 'Operation not permitted',
    'reach the control socket'     => 'Permission denied',
    'reopen the table'             => 'Permission denied',
    'ftruncate the table'          => 'Invalid argument',
    'fchmod the table'             => 'Operation not permitted',
    'bind a port'                  => 'Permission denied',
    'connect to Redis'             => 'Connection refused',
);
my $open = attempts('worker', 'open');
is $open->{$_}, $walls{$_}, "without the list: $_" for sort keys %walls;
done_testing;
