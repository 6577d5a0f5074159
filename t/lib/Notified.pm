# Who hears what a daemon tells of itself (sd_notify(3)); gone with the object.
#
#   my $notified = Notified->new;
#   local $ENV{NOTIFY_SOCKET} = $notified->path;
#   eventually(sub { $notified->said =~ /^READY=1$/m });
package Notified;
use v5.26;
use warnings;

use File::Temp;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(SOCK_DGRAM);

# In a process of its own: the queue is short, and who tells waits for room.
sub new {
    my ($class) = @_;
    my $dir    = File::Temp->newdir;
    my $socket = IO::Socket::UNIX->new(Local => "$dir/socket", Type => SOCK_DGRAM) or die $!;
    open my $to, '>', "$dir/said" or die $!;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        while (defined $socket->recv(my $datagram, 4096)) { syswrite $to, "$datagram\n\n" }
        POSIX::_exit(0);
    }
    return bless { dir => $dir, pid => $pid, owner => $$, from => 0 }, $class;
}

sub path { "$_[0]{dir}/socket" }

# All of it, or since forget() was called.
sub said {
    my ($self) = @_;
    open my $said, '<', "$self->{dir}/said" or die $!;
    seek $said, $self->{from}, 0;
    local $/;
    return readline($said) // '';
}

sub forget { $_[0]{from} = -s "$_[0]{dir}/said" }

sub DESTROY {
    my ($self) = @_;
    return if $$ != $self->{owner};
    local $?;
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
}

1;
