# A certificate authority of one test, and what it signs, made with openssl(1).
#
#   my $ca = Certificates->new($directory);
#   $ca->pair('a', names => ['a.test', '*.b.test'], key => 'rsa');
#   $ca->file   # PEM of the authority, for clients
package Certificates;
use v5.26;
use warnings;

use File::Temp;

# directory  where pairs are put
sub new {
    my ($class, $directory) = @_;
    my $self = bless { to => $directory, dir => File::Temp->newdir }, $class;
    mkdir $directory, 0700;
    $self->make('ca', subject => '/CN=test authority', ca => 1, signed_by => '');
    $self->make('middle', subject => '/CN=test intermediate', ca => 1, signed_by => 'ca');
    return $self;
}

sub file { "$_[0]{dir}/ca.crt" }

sub openssl {
    my (@words) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null' if !$ENV{CERTIFICATES_VERBOSE};
        open STDIN, '<', '/dev/null';
        exec 'openssl', @words or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    die "openssl @words\n" if $?;
}

my %keys = (
    ec  => [qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-256)],
    rsa => [qw(-algorithm RSA -pkeyopt rsa_keygen_bits:2048)],
    weak => [qw(-algorithm RSA -pkeyopt rsa_keygen_bits:1024)],
    ed  => [qw(-algorithm ED25519)],
);

# NAME.key and NAME.crt in our own directory.
sub make {
    my ($self, $name, %want) = @_;
    my $base = "$self->{dir}/$name";
    my $serial = sprintf '0x5%07x%08x', rand 2**28, rand 2**32;
    write_file("$base.ext", $want{ca}
            ? "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"
            : 'subjectAltName=' . join(',', map { "DNS:$_" } @{ $want{names} }) . "\n"
            . "extendedKeyUsage=" . ($want{usage} // 'serverAuth') . "\ncrlDistributionPoints=URI:http://crl.test/middle.crl\n");
    openssl('genpkey', @{ $keys{ $want{key} // 'ec' } }, '-out', "$base.key");
    openssl('req', '-new', '-key', "$base.key", '-subj', $want{subject} // '/O=test', '-out', "$base.csr");
    my @by = $want{signed_by} eq ''
        ? ('-signkey', "$base.key")
        : ('-CA', "$self->{dir}/$want{signed_by}.crt", '-CAkey', "$self->{dir}/$want{signed_by}.key",
            '-set_serial', $serial);
    openssl('x509', '-req', '-in', "$base.csr", @by, '-days', $want{days} // 90,
        '-extfile', "$base.ext", '-out', "$base.crt");
}

# A pair as dynproxyd wants it: NAME.pem with all, chain included.
sub pair {
    my ($self, $name, %want) = @_;
    $self->make($name, names => ["$name.test"], signed_by => 'middle', %want);
    $self->put($name, $self->pem($name));
}

sub certificate { slurp("$_[0]{dir}/$_[1].crt") }
sub key         { slurp("$_[0]{dir}/$_[1].key") }
sub pem { my ($self, $name) = @_; $self->certificate($name) . $self->certificate('middle') . $self->key($name) }

# At once, as one who replaces a certificate ought to.
sub put {
    my ($self, $name, $text, $mode) = @_;
    write_file("$self->{to}/.new", $text);
    chmod $mode // 0600, "$self->{to}/.new";
    rename "$self->{to}/.new", "$self->{to}/" . ($name =~ /\.(pem|key)$/ ? $name : "$name.pem") or die $!;
}

sub write_file {
    my ($path, $text) = @_;
    open my $fh, '>', $path or die "$path: $!";
    print $fh $text;
    close $fh or die "$path: $!";
}

sub slurp {
    my ($path) = @_;
    open my $fh, '<', $path or die "$path: $!";
    local $/;
    return scalar <$fh>;
}

1;
