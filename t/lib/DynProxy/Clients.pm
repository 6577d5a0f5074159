# Many clients of a proxy at once, in a process of their own: t/client.c.
package DynProxy::Clients;
use v5.26;
use warnings;

use IPC::Open2;

# mode, host, count, path: as client has them
sub new {
    my ($class, $proxy, $mode, $host, $count, $path) = @_;
    my $pid = open2(my $said, my $keep,    # it ends when we close $keep
        "$DynProxy::BUILD/t/client", $mode, $proxy->{http_port}, $proxy->host($host), $count, $path // '/');
    my $self = bless { keep => $keep, said => $said, pid => $pid, owner => $$ }, $class;
    my $line = <$said> // '';
    die "$mode did not begin\n" if $line ne "ready\n";
    return $self;
}

# It need not do more; what came of it, as a hash.  An upload or download ends
# by itself.
sub finish {
    my ($self, $by_itself) = @_;
    close delete $self->{keep} if !$by_itself;
    my $said = join ' ', readline $self->{said};
    waitpid delete $self->{pid}, 0;
    return { $said =~ /(\w+)=([\d.]+)/g };
}

sub DESTROY {
    my ($self) = @_;
    local $?;
    my $pid = $self->{pid} or return;
    return if $$ != $self->{owner};
    kill 'KILL', $pid;
    waitpid $pid, 0;
}

1;
