# A reload changes whom processes run as, how they are confined, and where they
# log: by other processes, with nothing refused meanwhile, and what belonged to
# one user belongs to the next (3-processes.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use Load;
use POSIX ();
use Socket qw(SOCK_DGRAM);

$SIG{PIPE} = 'IGNORE';

my $dynproxyd = "$DynProxy::BUILD/dynproxyd";
my $port      = free_port();
my $proxy     = DynProxy->new(
    workers => 2,
    tools   => ['alpha'],
    conf    => { default_backend => qq("http://localhost:$port"), drain_timeout => '20s' },
    expect  => qr/reload-refused|dynproxy.conf:|fatal|contained/,
);
my $dir = $proxy->{dir};
mkdir "$dir/access", 0755;

# A build with a sanitizer has no users: `sandbox = auto` is off there.
my $contained = (run_command($dynproxyd, '-T', '-c', $proxy->conf_path))[1] =~ /^sandbox\s+= on\b/m;
sub wanted { $contained ? $_[0] : 0 }

sub ready { grep { $_->{state} =~ /^$_[0]\b.* ready/ } @{ $proxy->ctl_json('status')->{processes} } }
sub uids {
    my ($role) = @_;
    my %uids = map { (DynProxy::slurp("/proc/$_->{pid}/status") =~ /^Uid:\t(\d+)/m)[0] => 1 } ready($role);
    return join ' ', sort keys %uids;
}
sub is_now { my ($role, $uid, $what) = @_; ok eventually(sub { uids($role) eq wanted($uid) }, 30), $what or diag uids($role) }
# The workers before have ended: there is room for other ones.
sub reload { my ($what) = @_; $proxy->settled; is $proxy->ctl('reload'), 0, $what or diag $proxy->err }

my $backend = $proxy->backend(text => 'hello');
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';
sub writes { my ($what) = @_; is $proxy->register('alpha', '/' . $what =~ s/\W/-/gr, $backend->url), 'ok', "a registration is stored: $what" }
sub logged {
    my ($path, $file) = (@_, 'access/access.log');
    $proxy->get('alpha', $path);
    ok eventually(sub { DynProxy::slurp("$dir/$file") =~ /\Q$path\E/ }, 30), "$path is in the access log";
}

my $load = Load->new(Load::requests(sub { ($proxy->get('alpha', '/')->body // '') eq 'hello' }));

# --- users
$proxy->configure(user_worker => 60911);
my $registrar = $proxy->registrar_pid;
reload('another user of workers');
is_now('worker', 60911, 'workers run as that one');
is $proxy->registrar_pid, $registrar, 'the registrar is the same process';

$proxy->configure(user_registrar => 60912, user_logger => 60913, user_lookup => 60914, access_log => qq("$dir/access/access.log"));
reload('other users of all others');
is_now('registrar', 60912, 'the registrar runs as that one');
is_now('logger',    60913, 'so does the logger');
is_now('lookup',    60914, 'and lookup');
is +(stat "$dir/state/routes.sqlite")[4], wanted(60912), 'the store is its own';
writes('by another user');
logged('/first');
is +(stat "$dir/access/access.log")[4], wanted(60913), "the log is the logger's";

OwnNetwork::append("$dir/state/linked", '');
chown wanted(60912), -1, "$dir/state/linked";
link "$dir/state/linked", "$dir/elsewhere" or die $!;
$proxy->configure(user_registrar => 60922, user_logger => 60923);
reload('and others once more');
is_now('registrar', 60922, 'the registrar runs as that one');
is_now('logger',    60923, 'so does the logger');
writes('by a third one');
is +(stat "$dir/elsewhere")[4], wanted(60912), 'a file that has another name, too, is given to nobody';
logged('/second');

$proxy->configure(user_worker => 'nobody-of-this-name');
if ($contained) {
    $proxy->settled;
    is $proxy->ctl('reload'), 1, 'a user that there is not';
    like $proxy->err, qr/user_worker: there is no user nobody-of-this-name/, 'is told';
    is_now('worker', 60911, 'the workers stay who they were');
}
$proxy->configure(user_worker => 60901);

# --- confinement
sub filters { my ($role) = @_; return (map { DynProxy::slurp("/proc/$_->{pid}/status") =~ /^Seccomp_filters:\t(\d+)/m } ready($role))[0] }
if ($contained) {
    my %before = map { $_ => filters($_) } qw(worker registrar logger);
    $proxy->configure(sandbox => 'off');
    reload('no sandbox');
    is_now($_, 0, "$_: as the master") for qw(worker registrar logger);
    cmp_ok filters($_), '<', $before{$_}, "$_: without its filter" for sort keys %before;
    writes('without a sandbox');
    logged('/third');
    $proxy->configure(sandbox => 'on', user_registrar => 60932, access_log => qq("$dir/made/access.log"));
    reload('with it again, another user, and a log in a directory that is not there');
    is_now('worker', 60901, 'workers have their user');
    like $proxy->log, qr/contained complete=no missing="everything in children \(sandbox = off\)".* contained complete=/s,
        'which the log tells';
    is_now('registrar', 60932, 'the registrar has another one');
    is +(stat "$dir/state/routes.sqlite")[4], 60932, 'whose own the store is now';
    is filters($_), $before{$_}, "$_: and its filter" for sort keys %before;
    writes('with a sandbox again');
    logged('/fourth', 'made/access.log');
}

# --- where events go; a /dev of our own, with somebody at /dev/log
OwnNetwork::own_dev("$dir/dev");
my $syslogd = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => '/dev/log') or die "/dev/log: $!";
my $reader  = fork // die "fork: $!";
if (!$reader) {
    open my $to, '>', "$dir/syslog" or POSIX::_exit(1);
    while (sysread $syslogd, my $line, 8192) { syswrite $to, "$line\n" }
    POSIX::_exit(0);
}
sub told { my ($role, $file) = @_; return () = DynProxy::slurp($file) =~ /dynproxy(?:\[\d+\]: |\[)\Q$role\E/g }

$proxy->configure(log_sink => 'syslog');
reload('log to syslog');
ok eventually(sub { told($_, "$dir/syslog") > 0 }, 30), "$_ does" for 'master', 'registrar';
$proxy->settled;
my $before = length $proxy->log;
$proxy->configure(response_headers => '{ "set X-Round: 1" }');
reload('then another reload');
ok eventually(sub { (() = DynProxy::slurp("$dir/syslog") =~ /master: reloaded /g) == 2 }, 30), 'is told there';
is length $proxy->log, $before, 'and nowhere else';
$proxy->configure(log_sink => 'stderr');
reload('log to standard error');
ok eventually(sub { substr($proxy->log, $before) =~ /master\]: reloaded / }, 30), 'the master does';
ok eventually(sub { substr($proxy->log, $before) =~ m{registrar\]: } }, 30), "$_ does" for 'registrar';

my ($requests, $failed) = $load->finish;
cmp_ok $requests, '>', 10, "$requests requests meanwhile";
is $failed, 0, 'none of them failed';
$proxy->stop;
kill 'KILL', $reader;
waitpid $reader, 0;
close $syslogd;    # nobody waits for a reader that is no more

# --- a daemon's pid file
my %daemon = (%{ $proxy->default_conf }, pid_file => qq("$dir/pid"), workers => 1, local_tools => '{}', state_directory => qq("$dir/daemon"));
sub write_daemon {
    unlink "$dir/daemon.conf";
    OwnNetwork::append("$dir/daemon.conf", join '', map { "$_ = $daemon{$_}\n" } sort keys %daemon);
}
sub daemon { return (run_command("$DynProxy::BUILD/dynproxyctl", '-c', "$dir/daemon.conf", @_))[ 0, 2 ] }
sub pid_in { my ($file) = @_; return DynProxy::slurp("$dir/$file") =~ /(\d+)/ ? $1 : 0 }
write_daemon();
my ($began, undef, $why) = run_command($dynproxyd, "-c", "$dir/daemon.conf");
is $began, 0, "a daemon" or diag $why;
my $pid = pid_in('pid') || die 'no daemon';
is readlink "/proc/$pid/fd/1", '/dev/null', 'which has left standard output';
my @family = ($pid, DynProxy::descendants($pid));
END { my $status = $?; kill 'KILL', grep { $_ } @family; $? = $status }
$daemon{pid_file} = qq("$dir/other");
write_daemon();
is +(daemon('reload'))[0], 0, 'reload with another pid file';
is pid_in('other'), $pid, 'which is written';
ok !-e "$dir/pid", 'the one before is gone';
isnt +(run_command($dynproxyd, '-c', "$dir/daemon.conf"))[0], 0, 'a second daemon ends';
is pid_in('other'), $pid, 'and leaves it alone';
isnt readlink "/proc/$pid/fd/2", '/dev/null', 'it has the standard error of who began it';
$daemon{log_sink} = 'syslog';
write_daemon();
is +(daemon('reload'))[0], 0, 'and logs to syslog';
is readlink "/proc/$pid/fd/2", '/dev/null', 'then it has left that';
$daemon{pid_file} = qq("$dir/nowhere/at/all");
write_daemon();
my ($status, $err) = daemon('reload');
is $status, 1, 'one that cannot be had is refused';
like $err, qr{directory \Q$dir\E/nowhere/at: No such file}, 'by its name';
is pid_in('other'), $pid, 'the one before stays';
$daemon{pid_file} = qq("$dir/other");
$daemon{log_sink} = 'stderr';
write_daemon();
is +(daemon('reload'))[0], 1, 'it does not come back';
@family = ($pid, DynProxy::descendants($pid));
is +(daemon('stop'))[0], 0, 'stop';
$daemon{log_sink} = 'syslog';
write_daemon();
($began, undef, $why) = run_command($dynproxyd, '-c', "$dir/daemon.conf");
is $began, 0, 'another begins at once' or diag $why;
$pid = pid_in('other') || die 'no daemon';
push @family, $pid, DynProxy::descendants($pid);
is readlink "/proc/$pid/fd/2", '/dev/null', 'it logs to syslog: standard error is left at once';
kill 'QUIT', $pid;
ok eventually(sub { !grep { kill 0, $_ } @family }, 30), 'the daemon ends';
@family = ();
ok !-e "$dir/other", 'and its pid file is gone';
done_testing;
