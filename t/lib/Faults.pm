# The program of t/faults.c in a directory of its own, and what is to go wrong:
#
#   my $faults = Faults->new;
#   my $proxy  = DynProxy->new(program => $faults->program);
#   $faults->fail(worker => 17);      # its 17th allocation from now
#   $faults->left('worker');          # how many are still to come
#   $faults->ahead(3600);             # the clock of every process
package Faults;
use v5.26;
use warnings;

use DynProxy ();
use File::Copy qw(copy);
use File::Temp;

my @ROLES = qw(worker registrar logger -F);    # the master has this argument

sub new {
    my ($class) = @_;
    my $self = bless { dir => File::Temp->newdir }, $class;
    chmod 0755, $self->{dir};
    copy("$DynProxy::BUILD/t/dynproxyd-faults", $self->program) or die $!;
    chmod 0755, $self->program;
    for my $role (@ROLES) {
        open my $fh, '>', $self->file($role) or die $!;
        syswrite $fh, "\0" x 4096;
    }
    return $self;
}

sub program { return "$_[0]{dir}/dynproxyd" }
sub file    { return $_[0]->program . ".$_[1]" }

sub write_to {
    my ($self, $role, $at, $bytes) = @_;
    open my $fh, '+<', $self->file($role) or die $!;
    sysseek $fh, $at, 0;
    syswrite $fh, $bytes;
}

sub fail  { my ($self, $role, $n) = @_; $self->write_to($role, 0, pack 'Q', $n) }
sub left  { my ($self, $role) = @_; return unpack 'Q', DynProxy::slurp($self->file($role)) }
sub ahead { my ($self, $seconds) = @_; $self->write_to($_, 8, pack 'q', $seconds) for @ROLES }

1;
