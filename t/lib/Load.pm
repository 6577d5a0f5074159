# What goes on beside a test, in a process of its own, until it is told to end;
# then it says its counts.
#
#   my $load = Load->new(Load::requests(sub { $proxy->get('alpha', '/')->body eq 'hello' }));
#   ...
#   my ($requests, $failed) = $load->finish;
package Load;
use v5.26;
use warnings;

use POSIX ();
use Time::HiRes qw(sleep);

# run: called with a reference to what is true when it is to end; it finishes
# what it is at, and returns its counts.
sub new {
    my ($class, $run) = @_;
    pipe my $said, my $say or die $!;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        my $stop = 0;
        my $act = POSIX::SigAction->new(sub { $stop = 1 }, POSIX::SigSet->new, POSIX::SA_RESTART());
        $act->safe(1);
        POSIX::sigaction(POSIX::SIGUSR1(), $act);
        syswrite $say, "begun\n";
        my @counts = eval { $run->(\$stop) };
        print STDERR "# a load died: $@" if $@;
        syswrite $say, "@counts\n";
        POSIX::_exit(0);
    }
    close $say;
    readline $said;    # or what tells it to end kills it
    return bless { pid => $pid, said => $said, owner => $$ }, $class;
}

# A run that asks 200 times a second at most; ask returns whether it was served.
sub requests {
    my ($ask) = @_;
    return sub {
        my ($stop) = @_;
        my ($requests, $failed) = (0, 0);
        until ($$stop) {
            $requests++;
            $failed++ if !eval { $ask->() };
            sleep 0.005;
        }
        return ($requests, $failed);
    };
}

sub end {
    my ($self) = @_;
    kill 'USR1', $self->{pid} if !$self->{ends}++;
}

# Nothing: it died.
sub finish {
    my ($self) = @_;
    $self->end;
    my $said = readline $self->{said};
    waitpid delete $self->{pid}, 0;
    return split ' ', $said // '';
}

sub DESTROY {
    my ($self) = @_;
    return if !$self->{pid} || $$ != $self->{owner};
    local $?;
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
}

1;
