package oss

import native "github.com/oss-upload/liboss_upload/bindings/go/oss"

// AuthVersionType is how requests are signed: see [AuthVersion].
type AuthVersionType string

// The ways of signing that Alibaba Cloud's SDK v1 knows. AuthV2 is [ErrUnsupported].
const (
	AuthV1 AuthVersionType = "v1"
	AuthV2 AuthVersionType = "v2"
	AuthV4 AuthVersionType = "v4"
)

// ACLType is who may read and write an object: see [ObjectACL].
type ACLType string

// The access rules of objects.
const (
	ACLPrivate         ACLType = "private"
	ACLPublicRead      ACLType = "public-read"
	ACLPublicReadWrite ACLType = "public-read-write"
	ACLDefault         ACLType = "default"
)

// StorageClassType is how an object is stored: see [ObjectStorageClass].
type StorageClassType string

// The storage classes.
const (
	StorageStandard        StorageClassType = "Standard"
	StorageIA              StorageClassType = "IA"
	StorageArchive         StorageClassType = "Archive"
	StorageColdArchive     StorageClassType = "ColdArchive"
	StorageDeepColdArchive StorageClassType = "DeepColdArchive"
)

// PayerType is who pays for a request: see [RequestPayer].
type PayerType string

// Who pays. Uploads may name the requester only.
const (
	Requester   PayerType = "Requester"
	BucketOwner PayerType = "BucketOwner"
)

// AlgorithmType names how the server encrypts: see [ServerSideEncryption].
type AlgorithmType string

// The server's encryption.
const (
	KMSAlgorithm AlgorithmType = "KMS"
	AESAlgorithm AlgorithmType = "AES256"
	SM4Algorithm AlgorithmType = "SM4"
)

// The bounds of the part size of [Bucket.UploadFile], and how checkpoint files beside the source end.
const (
	MinPartSize          = 100 << 10
	MaxPartSize          = 5 << 30
	CheckpointFileSuffix = ".cp"
)

// PartSizeAuto and RoutinesAuto let the library choose: they are those of package [native].
const (
	PartSizeAuto = native.PartSizeAuto
	RoutinesAuto = native.RoutinesAuto
)

// LogOff is the only level that [SetLogLevel] takes.
const LogOff = 0
