package osstest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// ExpectDocumented fails unless everything that the package in this directory exports has a comment, fields and constants
// included; a group may share one. It fails, too, when there are fewer exported names than that.
func ExpectDocumented(t *testing.T, names int) {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	Check(t, err)
	d := documented{t: t, set: token.NewFileSet()}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(d.set, path, nil, parser.ParseComments)
		Check(t, err)
		for _, declaration := range file.Decls {
			d.declaration(declaration)
		}
	}
	if d.seen < names {
		t.Errorf("only %d exported names were found", d.seen)
	}
}

// documented complains of exported names without a comment.
type documented struct {
	t    *testing.T
	set  *token.FileSet
	seen int
}

func (d *documented) declaration(declaration ast.Decl) {
	switch declaration := declaration.(type) {
	case *ast.FuncDecl:
		if declaration.Recv == nil || receiver(declaration).IsExported() {
			d.name(declaration.Name, declaration.Doc)
		}
	case *ast.GenDecl:
		for _, spec := range declaration.Specs {
			d.spec(spec, declaration.Doc)
		}
	}
}

func (d *documented) spec(spec ast.Spec, group *ast.CommentGroup) {
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			d.name(name, spec.Doc, spec.Comment, group)
		}
	case *ast.TypeSpec:
		d.name(spec.Name, spec.Doc, spec.Comment, group)
		if structure, ok := spec.Type.(*ast.StructType); ok && spec.Name.IsExported() {
			d.fields(structure.Fields.List)
		}
	}
}

// Fields that follow without an empty line share the comment above them.
func (d *documented) fields(fields []*ast.Field) {
	var above *ast.CommentGroup
	for i, field := range fields {
		if field.Doc != nil || i == 0 || d.line(fields[i-1].End())+1 != d.line(field.Pos()) {
			above = field.Doc
		}
		for _, name := range field.Names {
			d.name(name, above, field.Comment)
		}
	}
}

func (d *documented) name(name *ast.Ident, comments ...*ast.CommentGroup) {
	if !name.IsExported() {
		return
	}
	d.seen++
	for _, comment := range comments {
		if comment.Text() != "" {
			return
		}
	}
	d.t.Errorf("%s: %s has no comment", d.set.Position(name.Pos()), name.Name)
}

func (d *documented) line(at token.Pos) int { return d.set.Position(at).Line }

func receiver(function *ast.FuncDecl) *ast.Ident {
	kind := function.Recv.List[0].Type
	if pointer, ok := kind.(*ast.StarExpr); ok {
		kind = pointer.X
	}
	return kind.(*ast.Ident)
}
