# An HTTP/1 response as it came off a connection that was closed behind it.
package DynProxy::Response;
use v5.26;
use warnings;

sub new {
    my ($class, $bytes, $method) = @_;
    my $self = bless { raw => $bytes, status => 0, field => {}, body => '' }, $class;
    my $rest = $bytes;
    # interim responses go before the one that counts
    while ($rest =~ s{\AHTTP/1\.[01] (\d{3})[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n}{}) {
        my ($status, $fields) = ($1, $2);
        $self->{status} = $status;
        $self->{field}  = {};
        push @{ $self->{field}{ lc $1 } }, $2 while $fields =~ /^([^:]+):[ \t]*(.*?)\r$/mg;
        last if $self->{status} >= 200;
    }
    $self->{rest} = ($method // '') eq 'HEAD' ? $rest : $self->take_body($rest);
    return $self;
}

# Sets the body; returns what follows it.  An incomplete body is a body, too:
# `complete` tells.
sub take_body {
    my ($self, $rest) = @_;
    $self->{complete} = 1;
    if (($self->header('transfer-encoding') // '') eq 'chunked') {
        $self->{complete} = 0;
        while ($rest =~ s/\A([0-9a-fA-F]+)\r\n//) {
            my $n = hex $1;
            if ($n == 0) {
                $self->{complete} = $rest =~ s/\A((?:[^\r\n]+\r\n)*)\r\n// ? 1 : 0;
                $self->{trailers} = $1;
                return $rest;
            }
            $self->{body} .= substr $rest, 0, $n, '';
            $rest =~ s/\A\r\n// or return $rest;
        }
        return $rest;
    }
    my $n = $self->header('content-length') // length $rest;
    $self->{complete} = length $rest >= $n;
    $self->{body} = substr $rest, 0, $n, '';
    return $rest;
}

sub status   { $_[0]{status} }
sub body     { $_[0]{body} }
sub complete { $_[0]{complete} }
sub trailers { $_[0]{trailers} // '' }
sub rest     { $_[0]{rest} }
sub raw      { $_[0]{raw} }
sub header   { my ($self, $name) = @_; my $f = $self->{field}{ lc $name }; $f && join ', ', @$f }
sub reason   { $_[0]->header('x-dynproxy-error') }

1;
