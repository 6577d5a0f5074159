# A real Grid Engine cell of one host, in a test's own network (`use
# OwnNetwork;` first) and process namespace: gone with the object.
#
#   my $grid = GridEngine->new(host => $exec, name => 'exec1', epilog => $path);
#   $grid->as('tools.alpha', 'qsub', ...);    # status, output, errors
package GridEngine;
use v5.26;
use warnings;

use DynProxy ();
use File::Temp;
use Time::HiRes qw(sleep time);

my $ROOT   = '/var/lib/gridengine';
my $COMMON = "$ROOT/default/common";
my $SPOOL  = '/var/spool/gridengine';
my @QUEUES = qw(webgrid-generic webgrid-lighttpd);

# host     an OwnNetwork::Host
# name     its name, which must resolve to its address
# epilog   program that runs as the job's owner when a job has ended
sub new {
    my ($class, %want) = @_;
    my $self = bless { %want, scratch => File::Temp->newdir }, $class;
    chmod 0755, $self->{scratch};
    $self->make_directories;
    $self->make_hooks;
    $self->{namespace} = $want{host}->start(undef,
        qw(unshare --uts --pid --fork --kill-child --mount-proc --), 'sh', '-c',
        "hostname $want{name}; exec sleep 100000");
    $self->{inside} = DynProxy::eventually(sub { child_of($self->{namespace}) }) or die "no process namespace\n";
    DynProxy::eventually(sub { ($self->run('hostname'))[1] eq "$want{name}\n" }) or die "no host name\n";
    $self->create_cell;
    $self->daemon('sge_qmaster');
    DynProxy::eventually(sub { ($self->run(qw(qconf -sh)))[0] == 0 }, 30)
        or die "qmaster: ", DynProxy::slurp("$self->{scratch}/sge_qmaster.log"), ($self->run("cat", "$SPOOL/qmaster/messages"))[1];
    $self->configure;
    $self->daemon('sge_execd');
    DynProxy::eventually(sub { $self->queues_ready }, 60) or die 'queues: ' . ($self->run(qw(qstat -f)))[1];
    return $self;
}

sub child_of {
    my ($pid) = @_;
    my ($child) = split ' ', DynProxy::slurp("/proc/$pid/task/$pid/children");
    return $child;
}

# The machine's own cell, if it has one, stays as it is.
sub make_directories {
    my ($self) = @_;
    my $bootstrap = DynProxy::slurp('/usr/share/gridengine/default-bootstrap') || DynProxy::slurp("$COMMON/bootstrap");
    for my $dir ($SPOOL, $COMMON) {
        OwnNetwork::run('mount', '-t', 'tmpfs', 'tmpfs', $dir);
        OwnNetwork::run('chown', 'sgeadmin:sgeadmin', $dir);
        chmod 0755, $dir;
    }
    OwnNetwork::append("$COMMON/bootstrap",   $bootstrap);
    OwnNetwork::append("$COMMON/act_qmaster", "$self->{name}\n");
    OwnNetwork::run('chown', 'sgeadmin:sgeadmin', "$COMMON/act_qmaster");
    OwnNetwork::run('install', '-d', '-o', 'sgeadmin', '-g', 'sgeadmin', "$SPOOL/$_")
        for qw(qmaster qmaster/job_scripts spooldb execd);
}

sub create_cell {
    my ($self) = @_;
    my ($status, $out, $err) = $self->as('sgeadmin',
        '/usr/share/gridengine/scripts/init_cluster', $ROOT, 'default', "$SPOOL/spooldb", 'sgeadmin');
    die "init_cluster: $out$err" if $status;
}

# Both run as the owner of the job.
sub make_hooks {
    my ($self) = @_;
    my %hook = (
        epilog    => "$self->{epilog} >> $self->{scratch}/epilog.log 2>&1\nexit 0\n",
        terminate => "for s in INT TERM KILL; do kill -s \$s -- -\$1 2> /dev/null || kill -s \$s \$1 2> /dev/null || exit 0\n"
            . "for i in 1 2 3 4 5 6 7 8; do kill -0 -- -\$1 2> /dev/null || exit 0; sleep 0.2; done; done\n",
    );
    for (keys %hook) {
        OwnNetwork::append("$self->{scratch}/$_", "#!/bin/sh\n$hook{$_}");
        chmod 0755, "$self->{scratch}/$_";
    }
    OwnNetwork::append("$self->{scratch}/epilog.log", '');
    chmod 0666, "$self->{scratch}/epilog.log";
}

sub environment { ('env', "SGE_ROOT=$ROOT", 'SGE_CELL=default', 'SGE_SINGLE_LINE=1', 'SGE_ND=1') }

# Where the cell is: its network, its process numbers, its name.
sub command {
    my ($self, $user, @command) = @_;
    my @as;
    if (defined $user) {
        my ($uid, $gid, $home) = (getpwnam $user)[2, 3, 7];
        @as = ("HOME=$home", "USER=$user", 'setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups');
    }
    return ('nsenter', '--target', $self->{inside}, qw(--net --uts --pid --mount --), environment(), @as, @command);
}

sub as  { my ($self, $user, @command) = @_; return DynProxy::run_command($self->command($user, @command)) }
sub run { my ($self, @command) = @_; return $self->as(undef, @command) }

sub daemon {
    my ($self, $name) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', "$self->{scratch}/$name.log";
        open STDERR, '>&', \*STDOUT;
        exec $self->command(undef, $name) or POSIX::_exit(127);
    }
    push @{ $self->{daemons} }, $pid;
}

# Feed qconf a changed copy of what it shows; undef takes a line away.  -Mconf
# takes the name of the file for that of the host.
sub reconfigure {
    my ($self, $show, $change, %set) = @_;
    my (undef, $text) = $self->run('qconf', @$show);
    $text =~ s/^#.*\n//mg;
    for (sort keys %set) {
        my $line = defined $set{$_} ? "$_ $set{$_}\n" : '';
        $text =~ s/^$_\s.*\n/$line/m or $text .= $line;
    }
    my $file = "$self->{scratch}/global";
    open my $fh, '>', $file or die "$file: $!";
    print $fh $text;
    close $fh;
    my ($status, $out, $err) = $self->run('qconf', $change, $file);
    die "qconf $change: $out$err" if $status;
}

# As on Toolforge, but quick: by default a job waits 15 s for the scheduler.
sub configure {
    my ($self) = @_;
    $self->run('qconf', '-as', $self->{name});
    $self->reconfigure(['-sc'], '-Mc', release => 'release CSTRING == YES NO NONE 0');
    $self->reconfigure(['-se', 'template'], '-Ae', hostname => $self->{name}, complex_values => 'slots=64,release=buster',
        load_values => undef, processors => undef);
    $self->reconfigure(['-sq'], '-Aq', qname => $_, hostlist => $self->{name}, load_thresholds => 'NONE',
        qtype => 'BATCH', rerun => 'FALSE', slots => 32, shell => '/bin/sh', shell_start_mode => 'unix_behavior',
        terminate_method => "$self->{scratch}/terminate \$job_pid", epilog => "$self->{scratch}/epilog", pe_list => 'NONE') for @QUEUES;
    $self->reconfigure(['-ssconf'], '-Msconf', schedule_interval => '0:0:1', flush_submit_sec => 1, flush_finish_sec => 1);
    $self->reconfigure(['-sconf'], '-Mconf', load_report_time => '00:00:03', max_unheard => '00:01:00', mailer => '/bin/true');
}

sub queues_ready {
    my ($self) = @_;
    my (undef, $out) = $self->run(qw(qstat -f));
    # no letter of trouble at the end of the line, and a load: execd has come
    return @QUEUES == grep { /^webgrid-\S+\s+\S+\s+\S+\s+[\d.]+\s+\S+\s*$/ } split /\n/, $out;
}

sub DESTROY {
    my ($self) = @_;
    local $?;
    $self->{host}->stop($self->{namespace}) if $self->{host} && $self->{namespace};
    waitpid $_, 0 for @{ $self->{daemons} // [] };
}

1;
