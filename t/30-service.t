# What `make install` brings besides programs: hardened units, an init script
# with LSB's exit codes on a machine without systemd, users, log rotation
# (4-operations.md 4.5).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use File::Temp;

my %users = (dynproxy => 60900, 'dynproxy-w' => 60901, 'dynproxy-r' => 60902, 'dynproxy-log' => 60903, 'dynproxy-l' => 60904);
OwnNetwork::add_user($_, $users{$_}) for sort keys %users;

my $root = File::Temp->newdir;
chmod 0755, $root;
is +(run_command('make', '-s', '-C', $DynProxy::ROOT, 'install', "BUILD=$DynProxy::BUILD", "DESTDIR=$root", 'prefix=/usr'))[0],
    0, 'make install';

# --- units; their program has to be where they say
OwnNetwork::run('mount', '--bind', "$root/usr/$_", "/usr/local/$_") for qw(sbin bin);
my %exposure = (dynproxy => 3.0, 'dynproxy-single' => 2.0);
for my $unit (sort keys %exposure) {
    my $text = DynProxy::slurp("$root/usr/lib/systemd/system/$unit.service");
    $text =~ s{/usr/(s?bin)/dynproxy}{/usr/local/$1/dynproxy}g;
    my $file = "$root/$unit.service";
    OwnNetwork::append($file, $text);
    my ($status, @said) = run_command('systemd-analyze', 'verify', '--man=no', $file);
    is $status, 0, "$unit: systemd-analyze verify";
    is join('', grep { /\Q$unit\E/ } map { split /^/ } @said), '', 'warns of nothing';
    my ($exposed) = (run_command('systemd-analyze', 'security', '--offline=true', '--no-pager', $file))[1] =~ /exposure level for \S+: ([\d.]+)/;
    cmp_ok $exposed, '<', $exposure{$unit}, "exposed less than $exposure{$unit}";
}

# --- users and directories
mkdir "$root/etc";
is +(run_command('systemd-sysusers', "--root=$root", "$root/usr/lib/sysusers.d/dynproxy.conf"))[0], 0, 'systemd-sysusers';
is_deeply [sort grep { /^dynproxy/ } DynProxy::slurp("$root/etc/passwd") =~ /^([^:]+):/mg], [sort keys %users], 'makes each user';
OwnNetwork::append("$root/etc/group", "adm:x:4:\n");
is +(run_command('systemd-tmpfiles', '--create', "--root=$root", "$root/usr/lib/tmpfiles.d/dynproxy.conf"))[0], 0, 'systemd-tmpfiles';
is +(stat "$root/var/lib/dynproxy")[2] & 07777, 0700, 'makes the state directory';

# --- log rotation
is +(run_command('logrotate', '--debug', "$root/etc/logrotate.d/dynproxy"))[0], 0, 'logrotate takes its file';

# --- the track script of keepalived
is +(run_command('shellcheck', "$root/usr/lib/dynproxy/keepalived-track"))[1], '', 'shellcheck';

# --- the init script
my $script = "$root/etc/init.d/dynproxy";
is +(run_command('shellcheck', '--exclude=SC1090,SC1091', $script))[1], '', 'shellcheck';
my $dir = File::Temp->newdir;
chmod 0755, $dir;
my %conf = (http => qq("127.0.0.1:80"), registration => qq("127.0.0.1:8282"), admin => qq("127.0.0.1:8081"),
    (map { ("${_}_socket" => qq("$dir/$_.sock")) } qw(control master)), pid_file => qq("$dir/pid"),
    state_directory => qq("$dir/state"), access_log => qq("$dir/log/access.log"), web_domain => 'example.test',
    log_sink => 'stderr', workers => 1);
OwnNetwork::append("$dir/conf", join '', map { "$_ = $conf{$_}\n" } sort keys %conf);
OwnNetwork::run(qw(mount -t tmpfs tmpfs /etc/default));
OwnNetwork::append('/etc/default/dynproxy', "DAEMON=$root/usr/sbin/dynproxyd CONF=$dir/conf PIDFILE=$dir/pid\n");

sub script { return (run_command($script, @_))[0] }
sub pid { return DynProxy::slurp("$dir/pid") =~ /(\d+)/ ? $1 : 0 }
like DynProxy::slurp($script), qr/^### BEGIN INIT INFO\n(?:# .*\n)+### END INIT INFO$/m, 'it has an LSB header';
is script('status'), 3, 'status: not running';
is script('reload'), 7, 'reload: not running';
is script('stop'),   0, 'stop: there is nothing to stop';
is script('start'),  0, 'start';
my $pid = pid();
ok $pid && kill(0, $pid), 'it runs';
is +(run_command('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', 'http://127.0.0.1/'))[1], 404, 'and serves';
is script('status'), 0, 'status: running';
is script('start'),  0, 'start again';
is pid(), $pid, 'changes nothing';
is script('reload'), 0, 'reload';
is script('force-reload'), 0, 'force-reload';
is script('restart'), 0, 'restart';
isnt pid(), $pid, 'is another one';
my @family = (pid(), DynProxy::descendants(pid()));
is script('stop'), 0, 'stop';
ok eventually(sub { !grep { DynProxy::slurp("/proc/$_/stat") =~ /\) [^Z]/ } @family }), 'all of it is gone';
is script('status'), 3, 'status: not running';
OwnNetwork::append("$dir/pid", "4194303\n");
is script('status'), 1, 'status: dead, and its pid file is there';
is script('start'),  0, 'start: all the same';
is script('stop'),   0, 'stop';
is script('nonsense'), 2, 'what it does not know';
OwnNetwork::append('/etc/default/dynproxy', "DAEMON=/nonexistent\n");
is script('status'), 4, 'status: not installed';
is script('start'),  5, 'start: not installed';
OwnNetwork::run(qw(umount /etc/default));
done_testing;
