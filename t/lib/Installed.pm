# A program in a directory of its own, where others take its place as with
# dpkg(1).
#
#   my $installed = Installed->new("$DynProxy::BUILD/dynproxyd");
#   my $proxy     = DynProxy->new(program => $installed->path);
#   $installed->put($other);
package Installed;
use v5.26;
use warnings;

use File::Copy qw(copy);
use File::Temp;

sub new {
    my ($class, $program) = @_;
    my $self = bless { dir => File::Temp->newdir }, $class;
    chmod 0755, $self->{dir};
    $self->put($program);
    return $self;
}

sub path { "$_[0]{dir}/dynproxyd" }

sub put {
    my ($self, $from) = @_;
    my $new = $self->path . '.new';
    copy($from, $new) or die "copy: $!";
    chmod 0755, $new;
    rename $new, $self->path or die "rename: $!";
}

1;
