# A process that a command has the master start, stopped before it has done
# anything:
#
#   my $caught = Caught->new($proxy, 'worker', 'reload');   # dynproxyctl reload
#   $caught->pid or ...;                 # the command was quicker than we
#   kill 'KILL', $caught->pid;
#   my ($exit, $err) = $caught->finish;  # of the command
package Caught;
use v5.26;
use warnings;

use DynProxy ();
use File::Temp;
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep);

sub new {
    my ($class, $proxy, $role, @command) = @_;
    my $self   = bless { err => File::Temp->new, owner => $$ }, $class;
    my $master = $proxy->{pid};
    my %known  = map { $_ => 1 } DynProxy::descendants($master);
    $self->{command} = fork // die "fork: $!";
    if (!$self->{command}) {
        open STDERR, '>&', $self->{err};
        exec "$DynProxy::BUILD/dynproxyctl", '-c', $proxy->conf_path, @command or POSIX::_exit(127);
    }
    until ($self->{pid} || $self->ended) {
        for my $pid (grep { !$known{$_} } split ' ', DynProxy::slurp("/proc/$master/task/$master/children")) {
            next if DynProxy::slurp("/proc/$pid/cmdline") !~ /^dynproxyd:\0$role\0/;
            kill 'STOP', $pid;
            $self->{pid} = $pid;
            last;
        }
        sleep 0.0005 if !$self->{pid};
    }
    return $self;
}

sub pid { $_[0]{pid} }

sub ended {
    my ($self, $how) = @_;
    return 1 if exists $self->{exit};
    return 0 if waitpid($self->{command}, $how // WNOHANG) == 0;
    $self->{exit} = $? >> 8;
    return 1;
}

# Exit status of the command, and what it said on standard error.
sub finish {
    my ($self) = @_;
    $self->ended(0);
    return ($self->{exit}, DynProxy::slurp("$self->{err}"));
}

# Whatever becomes of the test, nothing stays stopped.
sub DESTROY {
    my ($self) = @_;
    kill 'CONT', $self->{pid} if $self->{pid} && $$ == $self->{owner};
}

1;
