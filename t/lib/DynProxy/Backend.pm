# Web servers of tools, real ones: t/backend.c, which signs what it answers.
package DynProxy::Backend;
use v5.26;
use warnings;

use DynProxy::Ports qw(free_port);
use IPC::Open2;

# text      of its answer to / ("backend <port>")
# after_ms  how long it takes for that
# count     ports, each as good as a server of its own (1)
# address   it listens on (127.0.0.1)
#
# Its ports are the test's own: when it has stopped, nobody else listens there.
# Of so many that they would be all of these, the kernel chooses.
sub new {
    my ($class, $build, %want) = @_;
    my $address = $want{address} // '127.0.0.1';
    my @options = ('-a', $address, '-n', $want{count} // 1, '-d', $want{after_ms} // 0);
    push @options, '-t', $want{text} if defined $want{text};
    push @options, map { free_port($address) } 1 .. $want{count} // 1 if ($want{count} // 1) <= 16;
    my $pid = open2(my $ports, my $keep, "$build/t/backend", @options);    # it ends when we close $keep
    my @ports;
    while (@ports < ($want{count} // 1)) {
        my $line = <$ports> // die "the backend did not start\n";
        push @ports, $line + 0;
    }
    return bless { address => $address, ports => \@ports, keep => $keep, pid => $pid, owner => $$ }, $class;
}

sub ports { @{ $_[0]{ports} } }
sub port  { $_[0]{ports}[ $_[1] // 0 ] }
sub addr  { "$_[0]{address}:" . $_[0]->port($_[1]) }
sub url   { 'http://' . $_[0]->addr($_[1]) }

# Gone as if killed: its connections are cut, its ports refuse.
sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    close delete $self->{keep};
    kill 'KILL', $pid;
    waitpid $pid, 0;
}

sub DESTROY { my ($self) = @_; local $?; $self->stop if $$ == $self->{owner} }

1;
